"""The most memory that a command and all its processes hold together: `python scripts/peak_memory.py zhixing data build RECIPE`.

Sampled is the proportional set size, in which memory that processes share counts once; where a system does not have it,
the resident size.
"""

import sys
import time
from collections.abc import Iterator

import psutil

INTERVAL_SECONDS = 0.3


def held(process: psutil.Process) -> int:
    """Bytes of a process and of those below it."""
    return sum(_each(process))


def _each(process: psutil.Process) -> Iterator[int]:
    try:
        for one in (process, *process.children(recursive=True)):
            info = one.memory_full_info()
            yield getattr(info, "pss", info.rss)
    except psutil.Error:
        return  # it ended meanwhile


def main(command: list[str]) -> int:
    """Run `command`; print what it held at the most."""
    process, peak, began = psutil.Popen(command), 0, time.monotonic()
    while process.poll() is None:
        peak = max(peak, held(process))
        time.sleep(INTERVAL_SECONDS)
    seconds = time.monotonic() - began
    print(f"peak {peak / 2**20:,.0f} MiB, {seconds:,.0f} s, exit code {process.returncode}")
    return int(process.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
