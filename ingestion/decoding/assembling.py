"""Series that a device spreads over several telegrams, put together from its memory.

Each telegram that continues the series is given as if it held all of it so far, without a gap: the
same values again do no harm, and what a lost telegram would have brought stays missing. Parts that
came before the one with the base hold nothing to count from, and give no series.

When the beginning came is a value too, where the layout names it: for devices without a clock the
only time there is. A beginning that says the same again begins a new series, unless it comes within
ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingestion.codecs.telegram import Item, Telegram

from .decoded import Arrival

if TYPE_CHECKING:
    from ingestion.codecs.binary import Assembly, BinaryDecoder

__all__ = ["with_assembly"]

Decode = Callable[[bytes, Arrival], Telegram]
# What is remembered of a device: the series so far, the units of its values, and when it began.
_SERIES, _UNITS, _BEGAN = "assembly", "assembly_units", "assembly_began"
# A device that hears nothing sends a telegram again within so long; the next series comes later.
_REPEATED = timedelta(minutes=10)


def with_assembly(decode: Decode, decoder: BinaryDecoder) -> Decode:
    """The decoder with the assembly that its layout asks for, if it does."""
    plan = decoder.schema.assembly
    if plan is None:
        return decode
    names = frozenset((*plan.base, *plan.lists))

    def assembled(octets: bytes, arrival: Arrival) -> Telegram:
        telegram = decode(octets, arrival)
        memory = {} if arrival.memory is None else arrival.memory
        begins, before = plan.begins(telegram.tree), memory.get(_SERIES)
        if begins and _is_past(memory.get(_BEGAN), arrival.received_at):
            before = None
        series, belongs = decoder.assemble(before, telegram.tree)
        if not belongs:
            return telegram
        if begins and series is not None:
            if before is None or series.base != before.base:
                memory[_BEGAN] = arrival.received_at
            elif before.complete:
                series = before
        said = {_stem(item.name): item.unit for item in telegram.items}
        units = memory.get(_UNITS, {}) | {name: said[name] for name in names & said.keys()}
        memory |= {_SERIES: series, _UNITS: units}
        values: dict[str, Any] = series.joined() if series is not None else {}
        if values and plan.began and _BEGAN in memory:
            values[plan.began] = memory[_BEGAN]
        return _joined(telegram, series, names, units, values)

    return assembled


def _is_past(began: datetime | None, now: datetime | None) -> bool:
    return began is not None and now is not None and now - began > _REPEATED


def _joined(
    telegram: Telegram,
    series: Assembly | None,
    names: frozenset[str],
    units: Mapping[str, str],
    values: Mapping[str, Any],
) -> Telegram:
    """The telegram with the values of the whole series in place of its own part."""
    others = tuple(item for item in telegram.items if _stem(item.name) not in names)
    made = tuple(
        Item(name=name, value=value, unit=units.get(name, "")) for name, value in values.items()
    )
    warnings = telegram.warnings
    if series is None:
        warnings = (*warnings, "the part of the series with its base has not come")
    elif series.missing:
        lost = ", ".join(map(str, series.missing))
        warnings = (*warnings, f"the parts {lost} of the series have not come")
    tree = {key: value for key, value in telegram.tree.items() if key not in names}
    return replace(telegram, items=(*others, *made), warnings=warnings, tree={**tree, **values})


def _stem(name: str) -> str:
    return name.partition("[")[0]
