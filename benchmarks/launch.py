"""Runs one command and writes what it used: ``python -I -S launch.py FILE COMMAND...``.

A program of its own and as small as Python gets: Linux counts the memory of whoever starts a process as the
process's own until its exec, so a large parent would hide the peak of a small child.
"""

import os
import sys
import time

started = time.monotonic()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
# What wait4 tells of the child has every process in it that the child waited for.
_, status, usage = os.wait4(child, 0)
ended = time.monotonic()
with open(sys.argv[1], "w") as out:  # noqa: PTH123 - pathlib would double this program's size
    print(os.waitstatus_to_exitcode(status), started, ended, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=out)
