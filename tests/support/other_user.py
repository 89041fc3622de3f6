"""Do something as a user who is not root: root may read everything, and the suite often runs as root."""

import os
import pickle
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_NOBODY = 65534


def as_other_user(work: Callable[[], T]) -> T:
    """What ``work`` returns, or raises, in a child process without privileges.  Its result must be picklable."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # The child uses no lock that another thread may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            outcome: tuple[bool, object] = (True, work())
        except BaseException as error:
            outcome = (False, error)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps(outcome))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        worked, value = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if worked:
        return value  # type: ignore[no-any-return]
    raise value
