"""What is loaded together, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from numpy.typing import NDArray

from .merge import Precedence

if TYPE_CHECKING:
    from datetime import date

    from django.utils.functional import _StrPromise

__all__ = ["REASONS", "Frames", "LoadBatch", "LoadResult", "Readings", "Refusal", "Registers"]


class Refusal(IntEnum):
    """Why a value was not stored."""

    UNKNOWN_CHANNEL = 1
    BAD_INTERVAL = 2
    OFF_GRID = 3
    TOO_OLD = 4
    IN_FUTURE = 5
    NO_PARTITION = 6
    TOO_LARGE = 7
    UNKNOWN_QUALITY = 8
    OTHER_INTERVAL = 9
    DATABASE = 10


REASONS: dict[Refusal, str | _StrPromise] = {
    Refusal.UNKNOWN_CHANNEL: _("the channel does not exist"),
    Refusal.BAD_INTERVAL: _("the interval is not a whole part of a day, 1 to 1440 minutes"),
    Refusal.OFF_GRID: _("the interval does not begin a whole number of intervals after midnight"),
    Refusal.TOO_OLD: _("the day is older than the archive keeps"),
    Refusal.IN_FUTURE: _("the day lies in the future; the device's clock may be wrong"),
    Refusal.NO_PARTITION: _("the archive is not prepared for a month so long ago"),
    Refusal.TOO_LARGE: _("the value is too large to be one"),
    Refusal.UNKNOWN_QUALITY: _("the quality is none that is known"),
    Refusal.OTHER_INTERVAL: _("the day is already stored with another interval"),
    Refusal.DATABASE: _("the database refused it"),
}


@dataclass(slots=True, kw_only=True)
class Columns:
    """Columns of one length."""

    def __len__(self) -> int:
        return len(self.channel)  # type: ignore[attr-defined,no-any-return]

    def take(self, rows: NDArray[Any]) -> Self:
        """Rows by index or mask."""
        names = self.__dataclass_fields__
        return type(self)(**{name: getattr(self, name)[rows] for name in names})


def _ints() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


def _small() -> NDArray[np.int16]:
    return np.zeros(0, np.int16)


def _bytes() -> NDArray[np.uint8]:
    return np.zeros(0, np.uint8)


def _flags() -> NDArray[np.bool_]:
    return np.zeros(0, np.bool_)


def _indices() -> NDArray[np.int32]:
    return np.zeros(0, np.int32)


@dataclass(slots=True, kw_only=True)
class Readings(Columns):
    """Interval values, in the order of receipt.

    start: Unix seconds of the interval's beginning; quality: a `Quality` and `DeviceFlag`s in one
    byte; frame: index into the frames of the batch, −1 for none; derived: worked out from all
    register readings around it, stored ones too, so it takes the place of what was worked out from
    fewer.
    """

    channel: NDArray[np.int64] = field(default_factory=_ints)
    start: NDArray[np.int64] = field(default_factory=_ints)
    interval_minutes: NDArray[np.int16] = field(default_factory=_small)
    value: NDArray[np.int64] = field(default_factory=_ints)
    quality: NDArray[np.uint8] = field(default_factory=_bytes)
    frame: NDArray[np.int32] = field(default_factory=_indices)
    derived: NDArray[np.bool_] = field(default_factory=_flags)

    def __post_init__(self) -> None:
        if len(self.derived) != len(self.channel):
            self.derived = np.zeros(len(self.channel), np.bool_)


@dataclass(slots=True, kw_only=True)
class Registers(Columns):
    """Register readings, in the order of receipt; at: Unix seconds, kind: a `RegisterKind`."""

    channel: NDArray[np.int64] = field(default_factory=_ints)
    at: NDArray[np.int64] = field(default_factory=_ints)
    value: NDArray[np.int64] = field(default_factory=_ints)
    quality: NDArray[np.uint8] = field(default_factory=_bytes)
    kind: NDArray[np.uint8] = field(default_factory=_bytes)
    frame: NDArray[np.int32] = field(default_factory=_indices)


@dataclass(slots=True, kw_only=True)
class Frames:
    """Frames as received, one an index.

    received_at: Unix microseconds; module: id or −1; counter: or −1; outcome and reason are those
    of the stages before; a frame whose values are refused here gets the loader's own. id: of frames
    that are stored already, so that only what became of them is brought up to date. identity: of
    messages of foreign protocols; "" where nobody knows them, None for frames of the universal one.
    """

    received_at: NDArray[np.int64] = field(default_factory=_ints)
    module: NDArray[np.int64] = field(default_factory=_ints)
    counter: NDArray[np.int64] = field(default_factory=_ints)
    transport: NDArray[np.uint8] = field(default_factory=_bytes)
    outcome: NDArray[np.uint8] = field(default_factory=_bytes)
    source: Sequence[str] = ()
    reason: Sequence[str] = ()
    payload: Sequence[bytes] = ()
    id: NDArray[np.int64] | None = None
    identity: Sequence[str | None] = ()

    def __len__(self) -> int:
        return len(self.payload)


@dataclass(slots=True, kw_only=True)
class LoadBatch:
    """Everything that is stored in one transaction.

    user_id and note: who changed values by hand and why; they go into the revisions. precedence:
    which of two values stays. beside: writes what belongs to the frames, given their ids, in the
    same transaction; called again when the transaction is. So is rest, which works out anew what
    registers leave for the other intervals around values that were told: given the channel and the
    local day (since 1970) of each block in which such a value took the place of an estimate or of
    another that was told, it returns what is stored besides.
    """

    readings: Readings = field(default_factory=Readings)
    registers: Registers = field(default_factory=Registers)
    frames: Frames = field(default_factory=Frames)
    user_id: int | None = None
    note: str = ""
    precedence: Precedence = Precedence.LATER
    beside: Callable[[NDArray[np.int64]], None] | None = None
    rest: Callable[[NDArray[np.int64], NDArray[np.int64]], Readings] | None = None


@dataclass(slots=True, kw_only=True)
class LoadResult:
    """What became of a batch.

    stored: values that are new or replaced another; repeated: those that were there already or
    gave way to a better one; missing: rows marked missing, which store nothing; refused and
    refused_registers: a `Refusal` a row of the batch, 0 where the row is good. first_day and
    last_day: local days that changed, None when nothing did. frame_ids: of the raw frames.
    """

    refused: NDArray[np.uint8]
    refused_registers: NDArray[np.uint8]
    stored: int = 0
    repeated: int = 0
    missing: int = 0
    new_blocks: int = 0
    changed_blocks: int = 0
    revisions: int = 0
    registers_stored: int = 0
    frame_ids: NDArray[np.int64] = field(default_factory=_ints)
    channels: NDArray[np.int64] = field(default_factory=_ints)
    first_day: date | None = None
    last_day: date | None = None
    details: dict[int, str] = field(default_factory=dict)

    def frame_reasons(
        self, batch: LoadBatch, among: Collection[Refusal] = tuple(Refusal)
    ) -> dict[int, str]:
        """Frame index → why values of it were refused, in English, each reason once."""
        found: dict[int, list[str]] = {}
        for codes, frame in (
            (self.refused, batch.readings.frame),
            (self.refused_registers, batch.registers.frame),
        ):
            rows = np.flatnonzero(codes)
            rows = rows[np.isin(codes[rows], list(among))]
            pairs = np.unique(np.stack([frame[rows], codes[rows].astype(np.int32)]), axis=1)
            for index, code in pairs.T.tolist():
                found.setdefault(index, []).append(self._text(index, Refusal(code)))
        found.pop(-1, None)
        return {index: "; ".join(dict.fromkeys(texts)) for index, texts in found.items()}

    def _text(self, index: int, code: Refusal) -> str:
        with override(None):
            text = str(REASONS[code])
        detail = self.details.get(index) if code is Refusal.DATABASE else None
        return f"{text}: {detail}" if detail else text
