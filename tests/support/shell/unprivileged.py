"""Have permissions bind a test that runs as root, as they bind everybody else.

Root may read and write everything by two capabilities.  A process can give them up for good, but not take them back, so
it is done in a child.  The user stays root: folders above the test's own, and the interpreter, stay within reach.
"""

import ctypes
import os
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any, Never, TypeVar

T = TypeVar("T")

_WRITE_ANYTHING, _READ_ANYTHING = 1, 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_VERSION_3 = 0x20080522  # of the structures that capget and capset take
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_DROP = 24
_UNKNOWN_USER = 2**31 - 7


def unprivileged(call: Callable[[], T]) -> T:
    """What ``call`` returns where permissions are heeded; what it raises is raised here.

    As root, it runs in a forked child: result and error must be picklable, and nothing else comes back.  Programs that
    it starts are bound, too.
    """
    return call() if os.geteuid() else _in_child(call, _drop_capabilities)


def as_unknown_user(call: Callable[[], T]) -> T:
    """The same, as a user that no passwd file knows, as containers have them; everything can be read.

    It writes only where anybody may.  Whoever is not root cannot become another user, and stays who he is.
    """
    return call() if os.geteuid() else _in_child(call, _become_unknown)


def _in_child(call: Callable[[], T], drop: Callable[[], None]) -> T:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork where there are threads: the child has one
        child = os.fork()
    if not child:
        _answer(call, drop, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        content = answer.read()
    os.waitpid(child, 0)
    if not content:
        raise AssertionError("the child exited unexpectedly")
    result, error = pickle.loads(content)
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _answer(call: Callable[[], Any], drop: Callable[[], None], writing: int) -> Never:
    """Write result and error, and end without what pytest does at exit."""
    try:
        result = error = None
        try:
            drop()
            result = call()
        except BaseException as raised:
            raised.add_note(traceback.format_exc())
            error = raised
        content = pickle.dumps((result, error))
        while content:
            content = content[os.write(writing, content) :]
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    os._exit(0)


def _drop_capabilities() -> None:
    for capability in (_WRITE_ANYTHING, _READ_ANYTHING):
        # What programs get that this process starts.
        _check(_libc().prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))
    _set_capabilities(lambda now: now & ~(1 << _WRITE_ANYTHING | 1 << _READ_ANYTHING))


def _become_unknown() -> None:
    _check(_libc().prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setgid(_UNKNOWN_USER)
    os.setuid(_UNKNOWN_USER)
    # The interpreter may be in root's home.
    _set_capabilities(lambda now: 1 << _READ_ANYTHING)


def _set_capabilities(change: Callable[[int], int]) -> None:
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted and inheritable; once for capabilities below 32, once for those above.
    sets = (ctypes.c_uint32 * 6)()
    _check(_libc().capget(header, sets))
    effective = change(sets[1])
    sets[0], sets[1], sets[2] = effective, effective, 0
    _check(_libc().capset(header, sets))


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
