"""From data sets to items, by the shape of what stands in their parentheses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..cosem.obis import Meaning, meaning
from ..telegram import NOTHING, Item, Value
from .heat import heat_meaning
from .lines import DataSet, Group, parse_code
from .values import Time, hex_text, is_number, number, symbol, time_of

__all__ = ["items_of"]

_TIME_CODES = frozenset({(1, 0, 0), (0, 9, 1), (0, 9, 2)})
_MESSAGES = frozenset({(96, 13)})
_MESSAGE_SHORTEST = 2
_PROFILE_HEAD = 4
_SEVERAL = "&"


def items_of(data_set: DataSet, *, is_heat: bool) -> Iterator[Item]:
    """The items of one data set, names not yet unique."""
    known = _meaning(data_set, is_heat=is_heat)
    for shape in _SHAPES:
        made = shape(data_set, known)
        if made is not None:
            yield from made
            return


def _meaning(data_set: DataSet, *, is_heat: bool) -> Meaning:
    if data_set.code is None:
        return Meaning(_identifier(data_set.address), facts={"address": data_set.address})
    heat = heat_meaning(data_set.address, data_set.code) if is_heat else None
    return heat or meaning(data_set.code)


def _identifier(address: str) -> str:
    """An address that is no code, as a name."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in address.lower())
    return f"address_{letters.strip('_')}" if letters else "address"


def _item(
    data_set: DataSet,
    known: Meaning,
    measured: tuple[Value, str],
    facts: Mapping[str, Any] = NOTHING,
) -> Item:
    value, unit = measured
    raw = "".join(f"({group.text})" for group in data_set.groups)
    return Item(
        name=known.name,
        value=value,
        unit=unit,
        start=data_set.start,
        end=data_set.end,
        raw=raw[1:-1] if len(data_set.groups) == 1 else raw,
        facts={**known.facts, **facts},
    )


def _single(data_set: DataSet, known: Meaning) -> list[Item] | None:
    """One value; several behind & in one pair of parentheses become items of their own."""
    if len(data_set.groups) != 1:
        return None
    group = data_set.groups[0]
    if _SEVERAL in group.text:
        parts = [Group(text, group.start, group.end) for text in group.text.split(_SEVERAL)]
        return [_item(data_set, known, _plain(part, known, data_set)) for part in parts]
    time = time_of(group.text) if _is_time(data_set, group) else None
    if time:
        return [_item(data_set, known, (time.value, ""), time.facts)]
    return [_item(data_set, known, _plain(group, known, data_set))]


def _is_time(data_set: DataSet, group: Group) -> bool:
    """Twelve digits alone may be a number; a letter or the code makes them a time."""
    coded = data_set.code is not None and data_set.code[2:5] in _TIME_CODES
    return coded or group.text[-1:] in ("S", "W")


def _plain(group: Group, known: Meaning, data_set: DataSet) -> tuple[Value, str]:
    """Value and unit of one text; nothing between parentheses is no value."""
    text, unit = group.value.strip(), symbol(group.unit)
    if not text:
        return None, unit
    if data_set.code is not None and data_set.code[2:4] in _MESSAGES:
        return hex_text(text, shortest=_MESSAGE_SHORTEST), unit
    if known.text:
        return hex_text(text), unit
    return (number(text) if is_number(text) else hex_text(text)), unit


def _timed(data_set: DataSet, known: Meaning) -> list[Item] | None:
    """A value and when it was measured, in either order."""
    if len(data_set.groups) != 2:
        return None
    first, second = data_set.groups
    time, value = time_of(first.text), second
    if time is None or (first.text.isdecimal() and not _is_value(second)):
        time, value = time_of(second.text), first
    if time is None or not (_is_value(value) or not value.text):
        return None
    facts = {"time": time.value, **time.facts}
    return [_item(data_set, known, _plain(value, known, data_set), facts)]


def _is_value(group: Group) -> bool:
    return is_number(group.value)


def _profile(data_set: DataSet, known: Meaning) -> list[Item] | None:
    """(time)(state)(period)(number)(code)(unit)…, then rows of values (P.01; 24.3.0 of old P1)."""
    groups = data_set.groups
    time = time_of(groups[0].text)
    count = _count(groups[3]) if len(groups) > _PROFILE_HEAD else 0
    rows = groups[_PROFILE_HEAD + 2 * count :]
    if time is None or not count or not rows or len(rows) % count:
        return None
    facts = {"time": time.value, **time.facts, "state": groups[1].text, "period": groups[2].text}
    made = []
    for index in range(count):
        code, unit = groups[_PROFILE_HEAD + 2 * index : _PROFILE_HEAD + 2 * index + 2]
        inner = parse_code(code.text)
        each = meaning(inner) if inner else known
        values = [_plain(value, each, data_set)[0] for value in rows[index::count]]
        value = values[0] if len(values) == 1 else values
        made.append(_item(data_set, each, (value, symbol(unit.text)), facts))
    return made


def _count(group: Group) -> int:
    return int(group.text) if group.text.isdecimal() and len(group.text) < 4 else 0


def _history(data_set: DataSet, known: Meaning) -> list[Item] | None:
    """(number)(code)…, then so many rows, each of times and a value (99.97.0, 98.1.0)."""
    groups = data_set.groups
    if len(groups) < 2 or not groups[0].text.isdecimal():
        return None
    codes = 0
    while codes + 1 < len(groups) and parse_code(groups[codes + 1].text):
        codes += 1
    rows, count = groups[codes + 1 :], _count(groups[0])
    if not codes or (rows and not count and not _empty(rows)):
        return None
    width = len(rows) // count if count else 0
    if count and (not width or len(rows) % count):
        return None
    entries = [_row(rows[start : start + width]) for start in range(0, width * count, width or 1)]
    facts = {"captured": groups[1].text}
    return [_item(data_set, known, (entries, _unit_of(entries)), facts)]


def _empty(groups: Sequence[Group]) -> bool:
    return not any(group.text for group in groups)


def _row(groups: Sequence[Group]) -> dict[str, Any]:
    """A row as a mapping: time, when it occurred, value and unit."""
    times = [time for time in (time_of(group.text) for group in groups) if time]
    values = [group for group in groups if time_of(group.text) is None and group.text]
    row: dict[str, Any] = {}
    for key, time in zip(("time", "occurred"), times, strict=False):
        row[key] = time.value
        row |= _dst(key, time)
    for index, group in enumerate(values):
        mark = f"_{index + 1}" if index else ""
        row[f"value{mark}"] = number(group.value) if _is_value(group) else group.value
        row[f"unit{mark}"] = symbol(group.unit)
    return row


def _dst(key: str, time: Time) -> dict[str, bool]:
    return {} if time.dst is None else {"dst" if key == "time" else f"{key}_dst": time.dst}


def _unit_of(entries: Sequence[dict[str, Any]]) -> str:
    units = {str(entry.get("unit", "")) for entry in entries}
    return units.pop() if len(units) == 1 else ""


def _several(data_set: DataSet, known: Meaning) -> list[Item]:
    """Anything else: a list of the values; a time at the front is when they were measured."""
    groups = data_set.groups
    time = time_of(groups[0].text)
    rest = groups[1:] if time else groups
    facts: dict[str, Any] = {"time": time.value, **time.facts} if time else {}
    pairs = [_plain(group, known, data_set) for group in rest]
    units = {unit for _, unit in pairs}
    if len(units) > 1:
        facts["units"] = [unit for _, unit in pairs]
    unit = units.pop() if len(units) == 1 else ""
    return [_item(data_set, known, ([value for value, _ in pairs], unit), facts)]


_SHAPES: tuple[Callable[[DataSet, Meaning], list[Item] | None], ...] = (
    _single,
    _profile,
    _timed,
    _history,
    _several,
)
