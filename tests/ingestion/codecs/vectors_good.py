"""Frames that must be read, and what they say. Hand-made bytes where encoding would differ."""

from __future__ import annotations

from typing import NamedTuple

from ingestion.codecs.universal_frame import Direction, Key
from ingestion.codecs.universal_messages import (
    AckFlag,
    Acknowledgement,
    ArchiveRequest,
    Capability,
    Command,
    CommandResult,
    Configuration,
    Event,
    EventCode,
    Events,
    Extension,
    Hello,
    IntervalProfile,
    Message,
    NewKey,
    Opcode,
    Quality,
    RegisterSnapshot,
    RegisterValue,
    ResultStatus,
    Status,
)

__all__ = ["DAY", "GOOD", "NONCE", "WATER", "Good"]

# 2026-01-01 00:00 UTC.
DAY = 1_767_225_600
NOON = DAY + 43_200
# Litres an hour of one household day; see vectors_sizes for the distribution it is drawn from.
WATER = (0, 0, 6, 0, 0, 3, 41, 77, 30, 9, 0, 12, 5, 0, 0, 18, 0, 24, 59, 33, 16, 8, 2, 0)
NONCE = bytes.fromhex("0102030405060708")
_UP, _DOWN = Direction.UP, Direction.DOWN


class Good(NamedTuple):
    """A frame to be made. `raw`: the plaintext in hex, when it is not what `encode` makes."""

    name: str
    messages: tuple[Message, ...]
    direction: Direction = _UP
    key: Key = Key.A
    counter: int = 1
    raw: str = ""


def _hours(values: tuple[int | None, ...], **more: int | None) -> IntervalProfile:
    opening = more.pop("opening", 123_456)
    return IntervalProfile(0, 0, DAY, 60, values, opening, **more)  # type: ignore[arg-type]


_SMALL = _hours((1, 2, 3))

PROFILES = [
    Good("24 hourly water readings: 60 bytes", (_hours(WATER, opening=123_456_789),)),
    Good("one value", (_hours((5,)),)),
    Good("255 values", (_hours(tuple(range(255))),)),
    Good("255 values of 31 bits: the largest profile", (_hours((2**31 - 1,) * 255),)),
    Good("all increments zero take no bits", (_hours((0,) * 24),)),
    Good("width 1", (_hours((0, 1, 1, 0, 1)),)),
    Good("width 8: no spare bits", (_hours((255, 0, 128)),)),
    Good("width 25", (_hours((2**25 - 1, 1)),)),
    Good("width 26", (_hours((2**26 - 1, 1)),)),
    Good("width 31", (_hours((2**31 - 1, 0, 1)),)),
    Good("no opening register", (_hours((1, 2, 3), opening=None),)),
    Good("opening register 0", (_hours((1, 2, 3), opening=0),)),
    Good("opening register of twelve digits", (_hours((1, 2), opening=999_999_999_999),)),
    Good("missing values", (_hours((4, None, 0, None, 9)),)),
    Good("all values missing", (_hours((None,) * 9),)),
    Good("quality: clock and power fail", (_hours((1, 2), quality=Quality(5)),)),
    Good("every quality bit", (_hours((1, 2), quality=127),)),
    Good("reverse flow: signed increments", (_hours((5, -3, 0, -1)),)),
    Good("signed, 31 bits", (_hours((2**30 - 1, -(2**30))),)),
    Good("signed with missing values and quality", (_hours((5, None, -2), quality=16),)),
    Good("port 7, register 31", (IntervalProfile(7, 31, DAY, 60, (1,), 2),)),
    Good("wide address", (IntervalProfile(300, 200, DAY, 60, (1, 2), 3),)),
    Good("widest address", (IntervalProfile(65_535, 255, DAY, 60, (1,), None),)),
    Good("everything at once", (IntervalProfile(8, 32, DAY, 15, (7, None, -9), 10, 127),)),
    Good("1-minute intervals", (IntervalProfile(0, 1, DAY, 1, (1,) * 60, 7),)),
    Good("half-hourly", (IntervalProfile(1, 1, DAY + 1_800, 30, (410, 395, 388), 88_000),)),
    Good("daily, from local midnight at +02:00", (IntervalProfile(0, 0, DAY - 7_200, 1440, (9,)),)),
    Good("latest base time", (IntervalProfile(0, 0, 4_294_967_280, 60, (1,), 2),)),
    Good("earliest base time", (IntervalProfile(0, 0, 60, 60, (1,), 2),)),
    Good("answer to an archive request", (_hours((1, 2, 3), request=513),)),
    Good(
        "archive answer with all flags",
        (IntervalProfile(9, 9, DAY, 60, (1, None), None, 17, 65_535),),
    ),
    Good("wider than needed", (_SMALL,), raw="01 00 6955b900 0784 03 000001e240 1230"),
    Good(
        "bitmap though nothing is missing",
        (_SMALL,),
        raw="11 00 6955b900 0782 03 000001e240 00 6c",
    ),
    Good("options byte 0", (_SMALL,), raw="21 00 6955b900 0782 03 00 000001e240 6c"),
    Good("wide though not needed", (_SMALL,), raw="41 0000 00 6955b900 0782 03 000001e240 6c"),
    Good(
        "signed though nothing is negative",
        (_SMALL,),
        raw="21 00 6955b900 0783 03 80 000001e240 5300",
    ),
]

OTHERS_UP = [
    Good("one register", (RegisterSnapshot(NOON, (RegisterValue(0, 0, 123_456_789),)),)),
    Good(
        "four tariffs with quality",
        (RegisterSnapshot(NOON, tuple(RegisterValue(1, n, 10**11 + n) for n in (1, 2, 3, 4)), 8),),
    ),
    Good("register of twelve digits", (RegisterSnapshot(0, (RegisterValue(0, 0, 10**12 - 1),)),)),
    Good(
        "negative and large registers: 64 bits",
        (RegisterSnapshot(NOON, (RegisterValue(0, 16, -250), RegisterValue(0, 0, 2**63 - 1))),),
    ),
    Good("register at a wide address", (RegisterSnapshot(NOON, (RegisterValue(999, 40, 5),)),)),
    Good("leak event", (Events((Event(NOON, 0, EventCode.LEAK, 12),)),)),
    Good(
        "events of module and meter, one before the clock was set",
        (Events((Event(0, 65_535, EventCode.RESTART, 1), Event(NOON, 2, 0x8001, -(2**31)))),),
    ),
    Good("event at a wide port", (Events((Event(NOON, 256, EventCode.VALVE_CLOSED),)),)),
    Good(
        "hello",
        (Hello(NOON, 86_400, (1, 4, 2), 3_610, -87, Capability.VALVE | Capability.ARCHIVE, 7),),
    ),
    Good("hello after a restart, clock not set", (Hello(0, 3, (0, 0, 1), restarted=True),)),
    Good("hello under key B", (Hello(NOON, 1, (1, 4, 2)),), key=Key.B, counter=900),
    Good("command done", (CommandResult(77, ResultStatus.DONE, NOON),)),
    Good("command failed, with details", (CommandResult(78, ResultStatus.FAILED, 0, b"\x02\x01"),)),
    Good("command result of 255 bytes", (CommandResult(1, 0, NOON, bytes(range(255))),)),
    Good("status", (Status(NOON, 3_598, 91, -101, 23),)),
    Good("status with nothing known", (Status(0),)),
    Good("status at its bounds", (Status(2**32 - 1, 65_535, 100, -128, 127),)),
    Good("extension", (Extension(200, b"\xca\xfe"),)),
    Good("empty extension", (Extension(0, b""),)),
    Good(
        "profile, registers, status and event in one frame",
        (
            _SMALL,
            RegisterSnapshot(NOON, (RegisterValue(0, 0, 123_462),)),
            Status(NOON, 3_600, 92, -99, 4),
            Events((Event(NOON, 65_535, EventCode.BATTERY_LOW, 2_900),)),
        ),
    ),
    Good("highest frame counter", (_SMALL,), counter=2**31 - 1),
    Good(
        "two archive answers and their result in one frame",
        (
            IntervalProfile(1, 0, DAY, 60, (4, 0, 7), 123_456, request=514),
            IntervalProfile(1, 0, DAY + 14_400, 60, (9, 9), 123_470, request=514),
            CommandResult(514, ResultStatus.DONE, NOON),
        ),
    ),
    Good("nothing of that period is in memory", (CommandResult(514, ResultStatus.NO_DATA, NOON),)),
    Good("the command came too late", (CommandResult(79, ResultStatus.EXPIRED, NOON),)),
]

_ACK = Acknowledgement(1, NOON)
DOWN = [
    Good("acknowledgement", (_ACK,), _DOWN),
    Good(
        "acknowledgement with all flags",
        (Acknowledgement(2**31 - 1, NOON, 255, AckFlag(15)),),
        _DOWN,
        counter=2**31 - 1,
    ),
    Good(
        "stored, not understood",
        (Acknowledgement(9, NOON, 0, AckFlag.NOT_UNDERSTOOD),),
        _DOWN,
    ),
    Good(
        "close the valve",
        (_ACK, Command(77, Opcode.VALVE_CLOSE, NOON + 86_400)),
        _DOWN,
        counter=2,
    ),
    Good("valve to 30 %", (Command(78, Opcode.VALVE_POSITION, NOON, b"\x1e"),), _DOWN),
    Good("archive request", (ArchiveRequest(513, 0, 0, DAY, DAY + 86_400),), _DOWN),
    Good("archive request, wide", (ArchiveRequest(1, 300, 200, 0, 2**32 - 1),), _DOWN),
    Good("configuration", (Configuration(8, 60, 1440, 15, 3_600, 10, 6),), _DOWN),
    Good(
        "configuration at its bounds",
        (Configuration(65_535, 1440, 10_080, 10_079, 0, 0, 255),),
        _DOWN,
    ),
    Good("extension down", (Extension(1, b"\x00"),), _DOWN),
    Good("key B given under key A", (NewKey(Key.B, bytes(range(16, 32))),), _DOWN, counter=40),
    Good("key A given under key B", (NewKey(Key.A, bytes(range(16))),), _DOWN, Key.B, 41),
    Good(
        "three requests behind an acknowledgement, four more wait",
        (
            Acknowledgement(7, NOON, 4, AckFlag.STAY_AWAKE),
            Command(79, Opcode.SEND_STATUS, NOON + 604_800),
            ArchiveRequest(514, 1, 0, DAY, DAY + 86_400),
            Configuration(9, 60, 1440, 0, 3_600, 0, 6),
        ),
        _DOWN,
        counter=3,
    ),
    Good(
        "set the clock, and say hello",
        (Acknowledgement(8, NOON, 0, AckFlag.SET_CLOCK | AckFlag.SEND_HELLO),),
        _DOWN,
        counter=4,
    ),
]

CLAIM = [
    Good(
        "claim 1: hello under the claim key",
        (Hello(0, 12, (1, 4, 2), 3_620, -80, Capability.KEY_ROTATION, 0, True, NONCE),),
        key=Key.CLAIM,
    ),
    Good(
        "claim 2: the server gives key A",
        (_ACK, NewKey(Key.A, bytes.fromhex("000102030405060708090a0b0c0d0e0f"), NONCE)),
        _DOWN,
        Key.CLAIM,
    ),
    Good("claim 3: hello under key A; the secret is spent", (Hello(NOON, 14, (1, 4, 2)),)),
    Good("claim 4: acknowledged under key A", (_ACK,), _DOWN),
]

GOOD = [*PROFILES, *OTHERS_UP, *DOWN, *CLAIM]
