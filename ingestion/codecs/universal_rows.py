"""Messages of the reference path as rows of columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .columns import NONE, Batch, Events, Intervals, Registers, Statuses
from .errors import DecodeError
from .universal import decode_placed
from .universal_messages import Events as EventsMessage
from .universal_messages import IntervalProfile, Message, RegisterSnapshot, Status

__all__ = ["Collected", "decode_one_by_one"]

Row = tuple[Any, ...]


class Collected:
    """Rows put together message by message, in the order of frames."""

    def __init__(self) -> None:
        self.intervals: dict[int, list[Row]] = defaultdict(list)
        self.registers: list[Row] = []
        self.events: list[Row] = []
        self.statuses: list[Row] = []
        self.messages: list[tuple[int, Message]] = []
        self.errors: list[tuple[int, DecodeError]] = []

    def add_frame(self, frame: int, plaintext: bytes) -> None:
        """All of one plaintext, or its error."""
        try:
            placed = decode_placed(plaintext)
        except DecodeError as error:
            self.errors.append((frame, error))
            return
        for offset, message in placed:
            self._add(frame, offset, message)

    def _add(self, frame: int, offset: int, message: Message) -> None:
        match message:
            case IntervalProfile():
                self._add_profile(frame, offset, message)
            case RegisterSnapshot(time, registers, quality):
                self.registers += [
                    (frame, offset, time, row.port, row.register, row.value, quality)
                    for row in registers
                ]
            case EventsMessage(events):
                self.events += [
                    (frame, offset, row.time, row.port, row.code, row.detail) for row in events
                ]
            case Status():
                self.statuses.append((frame, offset, *_status_row(message)))
            case _:
                self.messages.append((frame, message))

    def _add_profile(self, frame: int, offset: int, message: IntervalProfile) -> None:
        row = (
            frame,
            offset,
            message.port,
            message.register,
            message.base_time,
            message.interval,
            NONE if message.opening is None else message.opening,
            message.quality,
            NONE if message.request is None else message.request,
            [value or 0 for value in message.values],
            [value is None for value in message.values],
        )
        self.intervals[len(message.values)].append(row)

    def batch(self, frames: int) -> Batch:
        return Batch(
            frames,
            tuple(Intervals.of(self.intervals[count]) for count in sorted(self.intervals)),
            Registers.of(self.registers),
            Events.of(self.events),
            Statuses.of(self.statuses),
            tuple(self.messages),
            tuple(self.errors),
        )


def _status_row(message: Status) -> Row:
    return (
        message.time,
        message.battery_mv,
        message.battery_percent,
        message.signal,
        message.temperature,
    )


def decode_one_by_one(plaintexts: Iterable[bytes]) -> Batch:
    """A batch by the reference path: slow, and what the fast path must equal."""
    collected, frames = Collected(), 0
    for frame, plaintext in enumerate(plaintexts):
        collected.add_frame(frame, plaintext)
        frames = frame + 1
    return collected.batch(frames)
