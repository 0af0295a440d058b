"""Ways to be broken on purpose, to see what a deployment makes of it: BROKEN, as a build argument or at run time.

crash        exits with 1 at start
slow-boot    takes half a minute to listen
never-ready  listens, but is never up
errors       is up, but every second page is an error
some-errors  is up, but one page in twenty is an error
slow         is up, but one page in five takes a tenth of a second longer
crash-later  crashes ten seconds after its start
"""

import os
import sys
import threading
import time
from pathlib import Path


def at_boot(fault: str) -> None:
    if fault == "crash":
        sys.exit("identidock: cannot start: the setting MOOD is missing")
    if fault == "slow-boot":
        time.sleep(30)
    if fault == "crash-later":
        timer = threading.Timer(10, os._exit, (1,))
        timer.daemon = True
        timer.start()


def age() -> float:
    """Seconds since this process started, its interpreter's start included."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
