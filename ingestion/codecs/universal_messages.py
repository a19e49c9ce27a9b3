"""What the universal protocol says: one dataclass a message kind (docs/protocol.md, "Messages").

Times are Unix seconds (UTC); 0 stands for "the clock was never set" where a message allows it.
Values are integers in the smallest unit of the register; the device type says which unit that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TypeAlias

from .universal_frame import Key

__all__ = [
    "BATTERY_PERCENT_UNKNOWN",
    "MAX_DIGITS_VALUE",
    "MAX_INTERVAL",
    "MODULE_PORT",
    "SIGNAL_UNKNOWN",
    "TEMPERATURE_UNKNOWN",
    "AckFlag",
    "Acknowledgement",
    "ArchiveRequest",
    "Capability",
    "Command",
    "CommandResult",
    "Configuration",
    "DownMessage",
    "Event",
    "EventCode",
    "Events",
    "Extension",
    "Hello",
    "IntervalProfile",
    "Message",
    "NewKey",
    "Opcode",
    "Quality",
    "RegisterSnapshot",
    "RegisterValue",
    "ResultStatus",
    "Status",
    "UpMessage",
]

MAX_INTERVAL = 1440
MAX_DIGITS_VALUE = 999_999_999_999
# Port of an event that belongs to the module itself and not to a meter.
MODULE_PORT = 0xFFFF
SIGNAL_UNKNOWN = 127
TEMPERATURE_UNKNOWN = -128
BATTERY_PERCENT_UNKNOWN = 255


class Quality(IntFlag):
    """What the device says about all values of one message."""

    CLOCK_INVALID = 1
    CLOCK_ADJUSTED = 2
    POWER_FAIL = 4
    TAMPER = 8
    RECOVERED = 16
    METER_FAULT = 32
    ESTIMATED = 64


class Capability(IntFlag):
    """What a module can do; unknown bits are kept and mean nothing."""

    VALVE = 1
    RELAY = 2
    ARCHIVE = 4
    CONFIGURATION = 8
    KEY_ROTATION = 16
    ALWAYS_LISTENING = 32


class AckFlag(IntFlag):
    """What the module should do after an acknowledgement."""

    SEND_HELLO = 1
    SET_CLOCK = 2
    NOT_UNDERSTOOD = 4
    STAY_AWAKE = 8


class EventCode(IntEnum):
    """Standard event codes; 0x8000 to 0xFFFF belong to the maker."""

    POWER_UP = 1
    POWER_FAIL = 2
    RESTART = 3
    CLOCK_SET = 4
    COVER_OPENED = 16
    COVER_CLOSED = 17
    MAGNETIC_FIELD = 18
    CABLE_CUT = 19
    METER_REMOVED = 20
    LEAK = 32
    BURST = 33
    REVERSE_FLOW = 34
    DRY = 35
    FROST = 36
    OVERLOAD = 48
    VOLTAGE_LOW = 49
    VOLTAGE_HIGH = 50
    PHASE_LOST = 51
    GAS_DETECTED = 56
    PRESSURE_LOW = 57
    PRESSURE_HIGH = 58
    BATTERY_LOW = 64
    METER_FAULT = 65
    MEMORY_FAULT = 66
    VALVE_OPENED = 80
    VALVE_CLOSED = 81
    VALVE_STUCK = 82
    RELAY_CLOSED = 83
    RELAY_OPENED = 84


class Opcode(IntEnum):
    """Standard commands; 128 to 255 belong to the maker."""

    READ_REGISTERS = 1
    VALVE_CLOSE = 2
    VALVE_OPEN = 3
    VALVE_POSITION = 4
    RELAY_OPEN = 5
    RELAY_CLOSE = 6
    RESTART = 7
    SEND_STATUS = 8


class ResultStatus(IntEnum):
    """Answer to a command, an archive request, a configuration or a new key."""

    DONE = 0
    IN_PROGRESS = 1
    REFUSED = 2
    FAILED = 3
    UNKNOWN_COMMAND = 4
    WRONG_PARAMETERS = 5
    EXPIRED = 6
    NO_DATA = 7


@dataclass(frozen=True, slots=True)
class IntervalProfile:
    """Increments of one register over consecutive intervals; None = not measured.

    `base_time` is the start of the first interval, a whole minute. `interval` is in minutes.
    `opening` is the register at `base_time`. `request` is set in the answer to an archive request.
    """

    port: int
    register: int
    base_time: int
    interval: int
    values: tuple[int | None, ...]
    opening: int | None = None
    quality: int = 0
    request: int | None = None


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """One register as it stood."""

    port: int
    register: int
    value: int


@dataclass(frozen=True, slots=True)
class RegisterSnapshot:
    """Registers at one instant."""

    time: int
    registers: tuple[RegisterValue, ...]
    quality: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a port; `detail` is the event's own number."""

    time: int
    port: int
    code: int
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Events:
    """One or more events."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the module is and how it is. `claim_nonce` (8 bytes) is there in a claim only."""

    clock: int
    uptime: int
    firmware: tuple[int, int, int]
    battery_mv: int = 0
    signal: int = SIGNAL_UNKNOWN
    capabilities: int = 0
    configuration: int = 0
    restarted: bool = False
    claim_nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of the request with this id."""

    request: int
    status: int
    time: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Status:
    """Battery in mV (0 = mains) and percent, signal in dBm, temperature in °C."""

    time: int
    battery_mv: int = 0
    battery_percent: int = BATTERY_PERCENT_UNKNOWN
    signal: int = SIGNAL_UNKNOWN
    temperature: int = TEMPERATURE_UNKNOWN


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The frame with this counter is stored. `pending`: requests that wait for the module."""

    counter: int
    server_time: int
    pending: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """Do this, unless `valid_until` has passed."""

    request: int
    opcode: int
    valid_until: int
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """Send the intervals of a register that start at or after `start` and before `end`."""

    request: int
    port: int
    register: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """The reporting schedule. Minutes, except `spread` and `window` (seconds)."""

    version: int
    interval: int
    report_every: int
    report_offset: int
    spread: int
    window: int
    tries: int


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new operating key. `claim_nonce` repeats the hello's when this answers a claim."""

    selector: Key
    key: bytes
    claim_nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """Bytes outside this document, in either direction; unknown types are skipped."""

    type: int
    data: bytes


UpMessage: TypeAlias = (
    IntervalProfile | RegisterSnapshot | Events | Hello | CommandResult | Status | Extension
)
DownMessage: TypeAlias = (
    Acknowledgement | Command | ArchiveRequest | Configuration | NewKey | Extension
)
Message: TypeAlias = UpMessage | DownMessage
