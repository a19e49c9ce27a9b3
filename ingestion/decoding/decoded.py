"""What goes into the decoding of a telegram, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from ingestion.codecs.telegram import Telegram

__all__ = ["Arrival", "Decoded", "EventSaid", "Identity", "Reading", "Series"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a telegram came, and what the installation knows of its device.

    transport: udp, tcp, mqtt, lorawan … `device` is what the transport vouches for (DevEUI, MQTT
    login); `source` the address it came from. `keys`: "encryption", for DLMS "authentication" and
    the others of `cosem.Keys` too. `config` is what the installation says: zone (IANA name of the
    device's clock), resource, sampling_period (seconds), pulse_weight and pulse_unit …;
    `config["ports"][port]` overrides it for one port of the module. `memory` is kept from one
    telegram of a device to the next, for formats that span several; the codecs write to it.
    """

    transport: str = ""
    topic: str = ""
    port: int | None = None
    source: str = ""
    device: str = ""
    keys: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING)
    received_at: datetime | None = None
    config: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    memory: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose telegram it is: `scheme` says what sort of number `value` is (imei, dev_eui …)."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value at an instant.

    register: its name in the type, with .t1 for a tariff and .l2 for a phase. value: in the unit of
    the archive (unit × 10^exponent of the reading type). Registers are cut down to it, so that the
    rest is in the next reading; other values are rounded half to even. said, unit: as the telegram
    has it, after the arithmetic. at: None where the device has no clock. item, start, end: where
    the value stands in the telegram.
    """

    register: str
    reading_type: str
    tariff: int
    port: int | None
    value: int
    said: Decimal | int
    unit: str
    at: datetime | None
    quality: str
    item: str = ""
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values at even steps, oldest first.

    kind "deltas": value i is what was used in [base_time + i × step, + step), and base the register
    at base_time, or None. kind "registers" and "samples": value i is the register, or what a sensor
    showed, at base_time + i × step. step: seconds. values: in the unit of the archive; None is
    missing. What deltas lose to that unit is carried on to the next, so that their sum is exact.
    """

    register: str
    reading_type: str
    tariff: int
    port: int | None
    kind: str
    base: int | None
    base_time: datetime
    step: int
    values: tuple[int | None, ...]
    quality: str
    item: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSaid:
    """A fact. code: of the universal protocol; severity: 1 notice, 2 warning, 3 critical."""

    code: int
    name: str
    severity: int
    at: datetime | None
    detail: int
    port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A telegram and what it means. `sequence`: the device's counter of telegrams."""

    telegram: Telegram
    readings: tuple[Reading, ...]
    series: tuple[Series, ...]
    events: tuple[EventSaid, ...]
    identity: Identity | None
    sequence: int | None
    warnings: tuple[str, ...]
