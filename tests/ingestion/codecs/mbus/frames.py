"""Frames and records for tests, put together by hand."""

from __future__ import annotations

from ingestion.codecs.mbus.records import RecordList, read_records
from ingestion.codecs.telegram import Item, Telegram

HEADER = bytes.fromhex("78563412 2440 01 07 55 00 0000")


def long_frame(body: bytes | str, *, control: int = 0x08, address: int = 1) -> bytes:
    """A long frame around a body that begins with the CI field."""
    content = bytes((control, address)) + (bytes.fromhex(body) if isinstance(body, str) else body)
    size = len(content)
    return bytes((0x68, size, size, 0x68)) + content + bytes((sum(content) & 0xFF, 0x16))


def answer(records: bytes | str) -> bytes:
    """A meter's answer: CI 72h, the header of meter 12345678 of PAD, records."""
    octets = bytes.fromhex(records) if isinstance(records, str) else records
    return long_frame(b"\x72" + HEADER + octets)


def read(octets: str) -> RecordList:
    raw = bytes.fromhex(octets)
    return read_records(raw, 0, len(raw))


def uncovered(telegram: Telegram) -> list[int]:
    """Places of bytes that are said by no item or layer, or by more than one."""
    said = [0] * len(telegram.octets)
    for item in (*telegram.items, *telegram.layers):
        if not _is_element(item):
            for place in range(item.start, item.end):
                said[place] += 1
    return [place for place, times in enumerate(said) if times != 1]


def _is_element(item: Item) -> bool:
    """Values of a profile stand within its own bytes."""
    return "step" in item.facts and not item.facts["modifier"].endswith("profile")
