"""Ctrl-C and SIGTERM as a request that the loop honours at its next safe point; a second Ctrl-C stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the user or the system has asked this run to stop."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def is_requested(self) -> bool:
        """True from the first signal on."""
        return self.signal is not None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a `StopRequest` for the length of the block (main thread only)."""
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        if request.is_requested:
            raise KeyboardInterrupt
        request.signal = signal.Signals(number)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
