"""Meter data files to telegrams."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..cosem.decode import uncovered
from ..errors import DecodeError
from ..telegram import Telegram
from .accumulated import Accumulated
from .archive import ZIP_START, content_of
from .fields import moment
from .intervals import Intervals
from .records import Record, records_of
from .streams import Reading

__all__ = ["decode_nem", "looks_like_nem"]

_STARTS = (b"100,", b"200,", b"250,", ZIP_START)
_LOOKED_AT = 64
_READERS: Mapping[str, type[Intervals] | type[Accumulated]] = MappingProxyType(
    {"NEM12": Intervals, "NEM13": Accumulated}
)


def looks_like_nem(octets: bytes) -> bool:
    """Whether the first bytes are those of such a file, good or bad, packed or not."""
    head = octets[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(_STARTS)


def decode_nem(octets: bytes) -> Telegram:
    """Decode a NEM12 or NEM13 file, or a zip archive with one.

    NEM12: an item for each stretch of intervals of one quality, its value the list of amounts, None
    for null ones; NEM13: items of the previous and the current read and of the quantity. Facts:
    `nmi`, `suffix`, `number`, `quantity` (active energy …), `direction` as the customer's meter
    counts, `register`, `stream`, `meter`, `function` (interval, cumulative), `quality` (actual,
    substituted, final substituted, estimated, null), `method`, `reason`, `reason_text`, `time`,
    `end`, `step` (seconds), `updated`, `loaded`. Times are aware, in market time (UTC+10); `time`
    is the beginning of an interval. `octets` of the telegram are the records, unpacked; its tree
    says how many `nmis` there are, its identity has an `id` where it is one.
    DecodeError names the line: records out of order or of a wrong length, a wrong number of values,
    what stands there twice, no end record, no values at all.
    """
    plain = content_of(octets)
    reading = Reading()
    header: Record | None = None
    taking: Intervals | Accumulated | None = None
    for record in records_of(plain):
        if header is None or taking is None:
            header, taking = record, _READERS[record.field(1)](reading)
            moment(record, 2, "time")
            reading.layer(record, "header")
        elif record.code == "900":
            taking.finish()
            reading.layer(record, "end")
        else:
            taking.take(record)
    if header is None or not reading.items:
        raise DecodeError(0, "the file holds no values")
    return _telegram(plain, header, reading)


def _telegram(plain: bytes, header: Record, reading: Reading) -> Telegram:
    bare = uncovered(len(plain), [*reading.items, *reading.layers], "rest of the record")
    layers = sorted([*reading.layers, *bare], key=lambda layer: layer.start)
    return Telegram(
        kind="nem",
        octets=plain,
        items=tuple(reading.items),
        identity=_identity(header, reading),
        layers=tuple(layers),
        warnings=tuple(reading.warnings),
        tree={"nmis": len(reading.nmis), "meters": len(reading.meters)},
    )


def _identity(header: Record, reading: Reading) -> dict[str, str]:
    """Format, sender and receiver; NMI and meter where there is one only."""
    said = {
        "format": header.field(1),
        "id": next(iter(reading.nmis)) if len(reading.nmis) == 1 else "",
        "meter": next(iter(reading.meters)) if len(reading.meters) == 1 else "",
        "created": header.field(2),
        "sender": header.field(3),
        "receiver": header.field(4),
    }
    return {name: text for name, text in said.items() if text}
