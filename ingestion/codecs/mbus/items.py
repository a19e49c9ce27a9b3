"""Records as items of a telegram: names that tell them apart, facts that a mapping asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..telegram import Item
from .header import Header, read_header
from .profiles import Point, Profile, read_profile
from .record import Record

__all__ = ["Names", "items_of"]


class Names:
    """Gives names that do not repeat."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def unique(self, plain: str) -> str:
        count = self._seen.get(plain, 0) + 1
        self._seen[plain] = count
        return plain if count == 1 else f"{plain}_{count}"


def items_of(records: Iterable[Record], names: Names | None = None) -> tuple[Item, ...]:
    """Records as items of a telegram.

    Names are `[maximum_|minimum_|error_]quantity[_modifiers][_tariff_n][_subunit_n][_storage_n]`,
    and `_2`, `_3` … behind one that comes again (in all telegrams that share `names`). Facts:
    quantity, function, storage, tariff, subunit, modifier (words joined by "+", "" for none), vif
    (hex), coding, valid; status and summer_time where there is one.

    A load profile gives an item `…_profile` with the list of its values, and an item for each
    value, with the storage number that Annex F counts on and the facts `time` (where its record of
    the base time is there) and `step`.
    """
    everything, given = tuple(records), names or Names()
    items: list[Item] = []
    for record in everything:
        profile = read_profile(record, everything) if record.header.profile else None
        if profile is None:
            plain, facts = _described(record.header.octets)
            items.append(_item(record, given.unique(plain), facts))
        else:
            items += _expanded(record, profile, given)
    return tuple(items)


def _item(record: Record, name: str, known: Mapping[str, Any]) -> Item:
    header = record.header
    facts = {**known, "coding": record.coding, "valid": record.valid}
    if header.status:
        facts["status"] = header.status
    if record.summer_time:
        facts["summer_time"] = True
    return Item(
        name=name,
        value=record.value,
        unit=header.unit,
        start=record.start,
        end=record.end,
        raw=record.raw,
        formula=f"{record.coding} {header.formula}" if header.formula else record.coding,
        facts=facts,
    )


@lru_cache(maxsize=4096)
def _described(octets: bytes) -> tuple[str, Mapping[str, Any]]:
    """The name of a record before it is told apart from others, and its facts, by its header."""
    header = read_header(octets)
    return _named(header, header.storage), _base_facts(header)


def _base_facts(header: Header) -> dict[str, Any]:
    return {
        "quantity": header.quantity,
        "function": header.function,
        "storage": header.storage,
        "tariff": header.tariff,
        "subunit": header.subunit,
        "modifier": "+".join(header.modifiers),
        "vif": header.vif,
    }


def _named(header: Header, storage: int, *, quantity: str = "", suffix: str = "") -> str:
    function = "" if header.function == "instantaneous" else header.function
    words = re.sub(r"[^a-z0-9]+", "_", (quantity or header.quantity).lower()).strip("_")
    numbers = (("tariff", header.tariff), ("subunit", header.subunit), ("storage", storage))
    parts = [function, words or "plain_text", *header.modifiers, suffix]
    parts += [f"{word}_{number}" for word, number in numbers if number]
    return "_".join(filter(None, parts))


def _expanded(record: Record, profile: Profile, names: Names) -> Iterator[Item]:
    """The profile as a whole, then its values one by one with their times."""
    header = record.header
    facts = {**_base_facts(header), "coding": record.coding, "step": profile.step}
    values = [point.value for point in profile.points]
    yield Item(
        name=names.unique(_named(header, header.storage, suffix="profile")),
        value=values,
        unit=header.unit,
        start=record.start,
        end=record.end,
        raw=record.raw,
        formula=profile.formula,
        facts={**facts, "modifier": _joined(header, "profile"), "valid": True},
    )
    for point in profile.points:
        yield from _point(header, point, {**facts, "storage": point.storage}, names)


def _joined(header: Header, word: str) -> str:
    return "+".join([*header.modifiers, word])


def _point(header: Header, point: Point, facts: Mapping[str, Any], names: Names) -> Iterator[Item]:
    """One value, and its time as an item of its own as if the meter had sent it."""
    timed = {} if point.time is None else {"time": point.time}
    yield Item(
        name=names.unique(_named(header, point.storage)),
        value=point.value,
        unit=header.unit,
        start=point.start,
        end=point.end,
        raw=point.raw,
        formula=point.formula,
        facts={**facts, **timed, "valid": point.value is not None},
    )
    if point.time is None or not point.time_quantity:
        return
    same = {"storage": point.storage, "tariff": 0, "subunit": 0, "valid": True}
    described = {"quantity": point.time_quantity, "function": "instantaneous", "modifier": ""}
    suffix = f"_storage_{point.storage}" if point.storage else ""
    yield Item(
        name=names.unique(f"{point.time_quantity}{suffix}"),
        value=point.time,
        start=point.start,
        end=point.end,
        formula=f"base time and {facts['step']}",
        facts={**described, **same, "step": facts["step"]},
    )
