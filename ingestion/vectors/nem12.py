"""Files of the Australian market against the decoder: intervals, sums, units, times, qualities.

What is published is what nemreader makes of each file: for each data stream of an NMI the number of
values, their sum, the unit as sent, the first beginning and the last end in market time, how many
values there are of each quality method, and how many have a reason.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.nem import decode_nem
from ingestion.codecs.telegram import Item, Telegram

from .agreeing import agree
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare"]

_EXAMPLES = "data/nem12/examples"
# Files in this folder are to be refused or warned of, even where the peer reads something in them.
_INVALID = "invalid/"
_TIME = "%Y-%m-%d %H:%M:%S"


def compare(path: Path, _devices: Path) -> Iterator[Outcome]:
    """Every file that is named in the vectors; the files themselves stand beside them."""
    published = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    folders = _folders(path)
    for vector in (*published.get("files", ()), *published.get("rejected", ())):
        name = str(vector["file"])
        found = next((one for folder in folders if (one := folder / name).is_file()), None)
        if found is None:
            yield Outcome(name, REFUSED, f"the file is not in {_EXAMPLES}")
        else:
            yield _outcome(name, found.read_bytes(), vector.get("channels"))


def _folders(path: Path) -> list[Path]:
    shared = Path(settings.BASE_DIR).parent / "shared"
    return [folder / _EXAMPLES for folder in (*path.resolve().parents[:3], shared)]


def _outcome(name: str, octets: bytes, channels: Mapping[str, Any] | None) -> Outcome:
    """channels: what is expected by NMI and suffix; None where the peer refuses the file."""
    is_wrong = channels is None or name.startswith(_INVALID)
    try:
        telegram = decode_nem(octets)
    except DecodeError as error:
        return Outcome(name, EQUAL if is_wrong else REFUSED, str(error))
    if is_wrong and not telegram.warnings:
        return Outcome(name, DIFFERENT, "was read without a warning, and must not be")
    faults = list(_faults(telegram, channels)) if channels is not None else []
    return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _faults(telegram: Telegram, channels: Mapping[str, Any]) -> Iterator[str]:
    found = _streams(telegram)
    expected = {(nmi, suffix): one for nmi, of in channels.items() for suffix, one in of.items()}
    for nmi, suffix in found.keys() - expected.keys():
        yield f"{nmi} {suffix}: is not expected"
    for key, published in expected.items():
        summary = _summary(found[key]) if key in found else {}
        for name, value in published.items():
            if name in summary and not _is_same(name, summary[name], value):
                yield f"{key[0]} {key[1]} {name}: {summary[name]} instead of {value}"
        if not summary:
            yield f"{key[0]} {key[1]}: not found"


def _streams(telegram: Telegram) -> dict[tuple[str, str], list[Item]]:
    """The items that hold amounts, by NMI and suffix."""
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in telegram.items:
        if item.facts["function"] == "interval":
            found[item.facts["nmi"], item.facts["suffix"]].append(item)
    return found


def _summary(items: Sequence[Item]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "n": sum(len(_amounts(item)) for item in items),
        "sum": sum(one or 0 for item in items for one in _amounts(item)),
        "uom": items[0].unit,
        "first": min(item.facts["time"] for item in items).strftime(_TIME),
        "last_end": max(item.facts["end"] for item in items).strftime(_TIME),
        "quality": _counts(items),
    }
    if isinstance(items[0].value, list):
        # The peer keeps no reasons of reads.
        told["events"] = sum(len(_amounts(item)) for item in items if _has_reason(item))
    return told


def _amounts(item: Item) -> Sequence[Any]:
    return item.value if isinstance(item.value, list) else [item.value]


def _counts(items: Sequence[Item]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in items:
        counts[item.facts["method"]] += len(_amounts(item))
    return dict(counts)


def _has_reason(item: Item) -> bool:
    return "reason" in item.facts or "reason_text" in item.facts


def _is_same(name: str, got: Any, published: Any) -> bool:
    if name == "uom":
        return str(got).lower() == str(published).lower()
    return bool(got == published) if name == "quality" else agree(got, published)
