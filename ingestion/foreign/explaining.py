"""Stored messages of foreign protocols for people: what each says, and of which values.

Decoded anew with the types, keys and installations of now, like everything that is looked at later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.lorawan import uplink_telegram
from ingestion.inspection import byte_lines, meaning_lines, recognise, table_lines
from ingestion.known import known_of
from ingestion.models import Transport

from .columns import Said, columns_of
from .messages import Message
from .uplinks import judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.codecs.columns import Batch
    from ingestion.codecs.lorawan import Uplink
    from ingestion.decoding import Decoded
    from ingestion.models import RawFrame

__all__ = ["Told", "explained", "told_by"]


class Told(NamedTuple):
    """A value in a message. frame: its place; kind: "profile", an amount from `at` on, or
    "register"; register: as `ingestion.routing` numbers it in this process; at: Unix seconds."""

    frame: int
    kind: str
    port: int
    register: int
    at: int
    value: int


def explained(frame: RawFrame) -> list[str]:
    """Lines of text: the items of a message, and what they mean by its type."""
    known = known_of([] if frame.module_id is None else [frame.module_id])
    verdict = judge(_message(frame), known, memories={})
    if verdict.decoded is not None and verdict.uplink is not None:
        return _uplink_lines(bytes(frame.payload), verdict.uplink, verdict.decoded)
    if verdict.decoded is not None:
        return [*table_lines(verdict.decoded.telegram), *meaning_lines(verdict.decoded)]
    try:
        return list(table_lines(recognise(bytes(frame.payload)).telegram))
    except DecodeError as error:
        return [verdict.detail or str(error)]


def _uplink_lines(octets: bytes, uplink: Uplink, decoded: Decoded) -> list[str]:
    """The network server's document, then what the module sent in it, byte by byte too."""
    lines = [*table_lines(uplink_telegram(octets, uplink))]
    if uplink.event:
        return lines
    said = [*table_lines(decoded.telegram), "", *byte_lines(decoded.telegram)]
    return [*lines, "", *said, *meaning_lines(decoded)]


def told_by(frames: Sequence[RawFrame], modules: Sequence[int]) -> list[Told]:
    """What messages of these modules say, value by value."""
    known = known_of(modules)
    said = []
    for place, frame in enumerate(frames):
        verdict = judge(_message(frame), known, memories={})
        if verdict.decoded is not None:
            module, company = known.devices.module[verdict.row], known.devices.company[verdict.row]
            at = int(frame.received_at.timestamp())
            said.append(Said(place, verdict.decoded, int(module), int(company), at))
    batch = columns_of(said, known.routes, known.companies.zones).batch
    return [*_registers(batch), *_amounts(batch)]


def _registers(batch: Batch) -> Iterator[Told]:
    part = batch.registers
    columns = (part.frame, part.port, part.register, part.time, part.value)
    for frame, port, register, at, value in zip(*(row.tolist() for row in columns), strict=True):
        yield Told(frame, "register", port, register, at, value)


def _amounts(batch: Batch) -> Iterator[Told]:
    for part in batch.intervals:
        for row, place in np.argwhere(~part.missing).tolist():
            at = int(part.base_time[row]) + place * int(part.interval[row]) * 60
            where = int(part.port[row]), int(part.register[row])
            yield Told(int(part.frame[row]), "profile", *where, at, int(part.values[row, place]))


def _message(frame: RawFrame) -> Message:
    at = int(frame.received_at.timestamp() * 1_000_000)
    return Message(bytes(frame.payload), Transport(frame.transport), frame.source, at)
