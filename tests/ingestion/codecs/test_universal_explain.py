"""Explanations of frames: every byte is named once, and what is said is what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal import decode
from ingestion.codecs.universal_explain import REST, SEALED, explain
from ingestion.codecs.universal_frame import Direction

from .make_vectors import VECTORS_FILE

FILE = json.loads(VECTORS_FILE.read_text(encoding="utf-8"))
UP = [row for row in FILE["good"] if row["direction"] == "up"]


def covered(frame: bytes, sections: Any) -> None:
    """Sections and their parts follow one another without a gap from the first byte to the last."""
    at = 0
    for section in sections:
        assert section.start == at
        for part in section.parts:
            assert part.start == at and part.end > at
            at = part.end
        assert section.end == at
    assert at == len(frame)


@pytest.mark.parametrize("row", UP, ids=lambda row: row["name"])
def test_every_byte_of_a_good_frame_is_named(row: Any) -> None:
    frame, plaintext = bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"])
    sections = explain(frame, plaintext)
    covered(frame, sections)
    assert [section.message for section in sections[1:-1]] == list(decode(plaintext, Direction.UP))
    assert {section.error for section in sections} == {""}
    device, counter = sections[0].parts[1:]
    assert device.value == bytes.fromhex(FILE["device"]["id"])
    assert counter.value == row["counter"]


def test_pieces_of_the_first_vector_are_those_of_its_message() -> None:
    row = UP[0]
    message = row["messages"][0]
    parts = {
        part.name: part
        for section in explain(bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"]))
        for part in section.parts
    }
    assert parts["the base time"].value == message["base_time"]
    assert parts["the count of values"].value == len(message["values"])
    assert parts["the opening register"].value == message["opening"]
    interval, width = parts["interval and width"].bits
    assert (interval.high, interval.low, interval.value) == (15, 5, message["interval"])
    assert (width.high, width.low) == (4, 0)
    assert max(message["values"]).bit_length() == width.value


def test_signed_numbers_keep_their_sign() -> None:
    found = set()
    for row in UP:
        sections = explain(bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"]))
        for section, message in zip(sections[1:-1], row["messages"], strict=True):
            for part in section.parts:
                if part.name == "the signal":
                    assert part.value == message["signal"]
                    found.add(part.value)
    assert any(value < 0 for value in found)


def test_a_frame_that_nobody_can_open_is_header_seal_and_tag() -> None:
    frame = bytes.fromhex(UP[0]["frame"])
    sections = explain(frame, None)
    covered(frame, sections)
    assert [section.kind for section in sections] == ["header", SEALED, "tag"]


def test_what_follows_a_fault_is_shown_as_not_understood() -> None:
    good = bytes.fromhex(UP[0]["plaintext"])
    # The same message twice, the second cut short.
    plaintext = good + good[:7]
    frame = bytes.fromhex(UP[0]["frame"])[:13] + plaintext + bytes(12)
    sections = explain(frame, plaintext)
    covered(frame, sections)
    assert sections[1].message is not None
    assert sections[2].message is None and "needs" in sections[2].error


@pytest.mark.parametrize("plaintext", [b"\x00", b"\x0e\x01\x02", b"\x01", b"\xf1" * 40])
def test_nonsense_is_covered_too(plaintext: bytes) -> None:
    frame = bytes.fromhex(UP[0]["frame"])[:13] + plaintext + bytes(12)
    sections = explain(frame, plaintext)
    covered(frame, sections)
    assert any(section.error for section in sections)
    assert sections[-2].kind in {REST, "profile"}


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(DecodeError):
        explain(b"\x00" * 40, None)
