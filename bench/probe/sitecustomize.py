"""Makes the Python process of a Pulumi program tell, as it ends, what it took; both programs, and neither knows.

Python imports this at its start from PYTHONPATH. `ru_maxrss` would be wrong: it survives `exec`, so that it starts with
what the Go process had that started this one; VmHWM belongs to this program's memory alone (proc_pid_status(5)).
"""

import atexit
import os
import sys
import time

_FILE = "ARCHIPELAGO_BENCH_USAGE"
_PROFILE = "ARCHIPELAGO_BENCH_PROFILE"
_HOST = "pulumi-language-python-exec"


def _peak() -> int:
    """The most memory that was ever resident, in bytes."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib is not imported yet, and costs time
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmHWM"].split()[0]) * 1024


def _tell(started: float) -> None:
    told = f'{{"peak": {_peak()}, "cpu": {time.process_time()}, "seconds": {time.perf_counter() - started}}}'
    with open(os.environ[_FILE], "w") as file:  # noqa: PTH123 - as above
        file.write(told)


def _profile() -> None:
    import cProfile  # noqa: PLC0415 - only where it is asked for

    profile = cProfile.Profile()
    atexit.register(profile.dump_stats, os.environ[_PROFILE])
    profile.enable()


# the host also runs Python to ask for versions and packages: those processes are not the program
if any(_HOST in argument for argument in sys.orig_argv):
    if os.environ.get(_FILE):
        atexit.register(_tell, time.perf_counter())
    if os.environ.get(_PROFILE):
        _profile()
