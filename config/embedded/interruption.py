"""Ctrl-C and SIGTERM: the first asks for an orderly stop, the second forces it."""

import signal
import threading
from types import FrameType


class Forced(Exception):
    """A second request: stop at once."""


class Interruption:
    """Set once a stop has been asked for. Install it in the main thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._asked.is_set():
            raise Forced
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep; True as soon as a stop is asked for."""
        return self._asked.wait(seconds)
