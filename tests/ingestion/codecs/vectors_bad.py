"""Frames that must be refused: at which stage, at which byte, why. All written by hand."""

from __future__ import annotations

from typing import NamedTuple

from ingestion.codecs.universal_frame import Direction, Key

__all__ = ["BAD_FRAMES", "BAD_PLAINTEXTS", "BadFrame", "BadPlaintext"]

_UP, _DOWN = Direction.UP, Direction.DOWN
_TAG = "the tag does not match: another key, or changed bytes"


class BadFrame(NamedTuple):
    """A change to the frame "one value" (40 bytes, up, key A, counter 1): (first, end, hex)."""

    name: str
    stage: str
    offset: int
    reason: str
    change: tuple[int, int, str]


BAD_FRAMES = [
    BadFrame("empty", "header", 0, "0 bytes, a frame has at least 26", (0, 99, "")),
    BadFrame("header only", "header", 13, "13 bytes, a frame has at least 26", (13, 99, "")),
    BadFrame(
        "too long", "header", 1200, "1201 bytes, a frame has at most 1200", (40, 40, "00" * 1161)
    ),
    BadFrame("version 0", "header", 0, "protocol version 0, only 1 is known", (0, 1, "00")),
    BadFrame("version 2", "header", 0, "protocol version 2, only 1 is known", (0, 1, "40")),
    BadFrame("reserved bit 0", "header", 0, "a reserved bit of the header is set", (0, 1, "21")),
    BadFrame("reserved bit 1", "header", 0, "a reserved bit of the header is set", (0, 1, "22")),
    BadFrame("key selector 3", "header", 0, "key selector 3 is reserved", (0, 1, "2c")),
    BadFrame("small letter", "header", 1, "the maker is not three capital letters", (1, 2, "72")),
    BadFrame("digit in maker", "header", 3, "the maker is not three capital letters", (3, 4, "30")),
    BadFrame("counter 0", "header", 9, "the frame counter is 0", (9, 13, "00000000")),
    BadFrame(
        "direction bit of the counter alone",
        "header",
        9,
        "the direction bits of header and counter differ",
        (9, 10, "80"),
    ),
    BadFrame(
        "direction bit of the header alone",
        "header",
        9,
        "the direction bits of header and counter differ",
        (0, 1, "30"),
    ),
    BadFrame("counter changed", "open", 28, _TAG, (12, 13, "02")),
    BadFrame("other device", "open", 28, _TAG, (8, 9, "d3")),
    BadFrame("other key selector", "open", 28, _TAG, (0, 1, "24")),
    BadFrame("turned round", "open", 28, _TAG, (0, 13, "30 52444f 00000004d2 80000001")),
    BadFrame("ciphertext changed", "open", 28, _TAG, (13, 14, "ff")),
    BadFrame("tag changed in its last bit", "open", 28, _TAG, (39, 40, "ff")),
    BadFrame("tag all zero", "open", 28, _TAG, (28, 40, "00" * 12)),
    BadFrame("truncated by one byte", "open", 27, _TAG, (39, 40, "")),
]


class BadPlaintext(NamedTuple):
    """Sealed correctly; the messages break a rule (stage "messages" or "key use")."""

    name: str
    raw: str
    offset: int
    reason: str
    direction: Direction = _UP
    key: Key = Key.A
    stage: str = "messages"


_HEAD = "00 6955b900"  # port and register 0, base time 2026-01-01
_REGISTER = "000001e240"
_NOON = "695661c0"
_FLAG = "a reserved flag of the message is set"

PROFILES = [
    BadPlaintext("kind 0", "00", 0, "message kind 0 is unknown"),
    BadPlaintext("kind 8", "08", 0, "message kind 8 is unknown"),
    BadPlaintext("kind byte alone", "01", 1, "port and register needs 1 bytes, 0 are left"),
    BadPlaintext(
        "ends in the base time", "01 00 6955", 2, "the base time needs 4 bytes, 2 are left"
    ),
    BadPlaintext(
        "base time 0",
        f"01 00 00000000 0782 03 {_REGISTER} 6c",
        2,
        "the base time is 0; a profile needs a clock that was set",
    ),
    BadPlaintext(
        "base time within a minute",
        f"01 00 6955b901 0782 03 {_REGISTER} 6c",
        2,
        "the base time 1767225601 is not a whole minute",
    ),
    BadPlaintext(
        "interval 0",
        f"01 {_HEAD} 0002 03 {_REGISTER} 6c",
        6,
        "the interval is 0 minutes, not 1..1440",
    ),
    BadPlaintext(
        "interval of 1441 minutes",
        f"01 {_HEAD} b422 03 {_REGISTER} 6c",
        6,
        "the interval is 1441 minutes, not 1..1440",
    ),
    BadPlaintext(
        "count 0",
        f"01 {_HEAD} 0782 00 {_REGISTER}",
        8,
        "the count of values is 0, not within 1..255",
    ),
    BadPlaintext(
        "opening register of thirteen digits",
        f"01 {_HEAD} 0782 03 e8d4a51000 6c",
        9,
        "the opening register is 1000000000000, not within 0..999999999999",
    ),
    BadPlaintext(
        "count larger than the values",
        f"01 {_HEAD} 0782 09 {_REGISTER} 6c",
        14,
        "the increments needs 3 bytes, 1 are left",
    ),
    BadPlaintext(
        "width larger than the values",
        f"01 {_HEAD} 079f 03 {_REGISTER} 6c",
        14,
        "the increments needs 12 bytes, 1 are left",
    ),
    BadPlaintext(
        "count smaller than the values: the rest is no message",
        f"01 {_HEAD} 0788 01 {_REGISTER} 05 00",
        15,
        "message kind 0 is unknown",
    ),
    BadPlaintext(
        "spare bits not 0",
        f"01 {_HEAD} 0782 03 {_REGISTER} 6d",
        14,
        "the spare bits behind the increments are not 0",
    ),
    BadPlaintext(
        "spare bits of the bitmap not 0",
        f"11 {_HEAD} 0782 03 {_REGISTER} 01 6c",
        14,
        "the spare bits behind the missing bitmap are not 0",
    ),
    BadPlaintext(
        "missing value with bits",
        f"11 {_HEAD} 0782 03 {_REGISTER} 40 6c",
        15,
        "value 1 is missing, but its bits are not 0",
    ),
    BadPlaintext(
        "ends in the bitmap",
        f"11 {_HEAD} 0782 09 {_REGISTER} 00",
        14,
        "the missing bitmap needs 2 bytes, 1 are left",
    ),
    BadPlaintext(
        "ends before the options byte",
        f"21 {_HEAD} 0782 03",
        9,
        "the options byte needs 1 bytes, 0 are left",
    ),
    BadPlaintext(
        "archive answer without request id", "06 01", 1, "the request id needs 2 bytes, 1 are left"
    ),
    BadPlaintext(
        "good profile, then an unknown kind: all is refused",
        f"01 {_HEAD} 0782 03 {_REGISTER} 6c 0c",
        15,
        "message kind 12 is unknown",
    ),
]

OTHERS = [
    BadPlaintext("registers with reserved flag", f"82 {_NOON} 01 00 {_REGISTER}", 0, _FLAG),
    BadPlaintext(
        "no registers", f"02 {_NOON} 00", 5, "the count of registers is 0, not within 1..255"
    ),
    BadPlaintext(
        "fewer registers than counted",
        f"02 {_NOON} 02 00 {_REGISTER}",
        12,
        "port and register needs 1 bytes, 0 are left",
    ),
    BadPlaintext(
        "register of thirteen digits",
        f"02 {_NOON} 01 00 e8d4a51000",
        7,
        "a register is 1000000000000, not within 0..999999999999",
    ),
    BadPlaintext(
        "signed bit in a snapshot's quality",
        f"22 {_NOON} 01 80 00 {_REGISTER}",
        6,
        "the quality byte is 128, not within 0..127",
    ),
    BadPlaintext("events with reserved flag", f"13 01 {_NOON} 00 0020 0000000c", 0, _FLAG),
    BadPlaintext("no events", "03 00", 1, "the count of events is 0, not within 1..255"),
    BadPlaintext(
        "ends in an event",
        f"03 01 {_NOON} 00 0020 0000",
        9,
        "the detail of an event needs 4 bytes, 2 are left",
    ),
    BadPlaintext("hello with reserved flag", f"44 {_NOON}", 0, _FLAG),
    BadPlaintext("hello cut short", f"04 {_NOON} 00", 5, "the uptime needs 4 bytes, 1 are left"),
    BadPlaintext("result with flag", f"15 004d 00 {_NOON} 00", 0, _FLAG),
    BadPlaintext(
        "result longer than the frame",
        f"05 004d 00 {_NOON} 05 01",
        9,
        "the payload needs 5 bytes, 1 are left",
    ),
    BadPlaintext("battery at 101 %", f"07 {_NOON} 0e10 65 00 00", 7, "the battery is at 101 %"),
    BadPlaintext("status with flag", f"17 {_NOON} 0e10 64 00 00", 0, _FLAG),
    BadPlaintext(
        "extension longer than the frame",
        "0f 01 02 00",
        3,
        "the extension needs 2 bytes, 1 are left",
    ),
    BadPlaintext(
        "acknowledges counter 0",
        f"01 00000000 {_NOON} 00",
        1,
        "the acknowledged counter is 0, not within 1..2147483647",
        _DOWN,
    ),
    BadPlaintext("unknown kind down", "06", 0, "message kind 6 is unknown", _DOWN),
    BadPlaintext("command with flag", f"12 004d 02 {_NOON} 00", 0, _FLAG, _DOWN),
    BadPlaintext(
        "archive request that ends before it starts",
        f"03 0201 00 {_NOON} 6955b900",
        8,
        "the end 1767225600 is not after the start 1767268800",
        _DOWN,
    ),
    BadPlaintext(
        "reports at minute 60 of every 60",
        "04 0008 003c 003c 003c 0e10 0a 06",
        7,
        "the reporting offset is 60, not within 0..59",
        _DOWN,
    ),
    BadPlaintext(
        "no tries",
        "04 0008 003c 05a0 000f 0e10 0a 00",
        12,
        "the number of tries is 0, not within 1..255",
        _DOWN,
    ),
    BadPlaintext("key of zeros", "15" + "00" * 16, 1, "the new key is all zero", _DOWN),
    BadPlaintext(
        "key cut short", "15" + "01" * 15, 1, "the new key needs 16 bytes, 15 are left", _DOWN
    ),
]

KEY_USE = [
    BadPlaintext(
        "profile under the claim key",
        f"01 {_HEAD} 0782 03 {_REGISTER} 6c",
        0,
        "the claim key seals only a claim and its answer",
        _UP,
        Key.CLAIM,
        "key use",
    ),
    BadPlaintext(
        "hello without nonce under the claim key",
        f"04 {_NOON} 00000001 010402 0e10 a9 0000 0000",
        0,
        "the claim key seals only a claim and its answer",
        _UP,
        Key.CLAIM,
        "key use",
    ),
    BadPlaintext(
        "claim under an operating key",
        f"14 {_NOON} 00000001 010402 0e10 a9 0000 0000 0102030405060708",
        0,
        "a claim nonce under an operating key",
        _UP,
        Key.A,
        "key use",
    ),
    BadPlaintext(
        "new key A under key A",
        "05" + "01" * 16,
        0,
        "the new key is for the selector that seals it",
        _DOWN,
        Key.A,
        "key use",
    ),
]

BAD_PLAINTEXTS = [*PROFILES, *OTHERS, *KEY_USE]
