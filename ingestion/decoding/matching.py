"""Which items of a telegram a `match` or an `obis` pattern means.

Facts that a match does not name must have their ordinary value, so that `quantity: energy` is the
present register and not last month's, a maximum, or a tariff's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, NamedTuple

from ingestion.codecs.telegram import Item

from .scope import Found, Scope
from .weights import ITEM_CHOICES

__all__ = ["Hit", "Hits", "find_items", "first_item", "has_same", "matching_items", "same_as"]

# Fact → its ordinary values. A cumulative value is the register as it is now.
ORDINARY: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "function": ("instantaneous", "cumulative"),
        "storage": (0,),
        "tariff": (0,),
        "subunit": (0,),
        "modifier": ("",),
        "phase": (0, ""),
        "valid": (True,),
    }
)
_PATTERN_PARTS = {"n": r"(?P<n>\d{1,3})", "t": r"(?P<t>\d{1,3})", "*": r"\d{1,3}"}
_WITH_STORAGE = re.compile(r"(.*\d)\*(\d{1,3})")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")
_SAME, _ANY = "same", "any"
# Codes that a pattern remembers; senders may make up any number of others.
_MOST_CODES = 1_000


class Hit(NamedTuple):
    """An item that fits; sub-meter and tariff as the pattern or the facts tell."""

    item: Item
    submeter: int | None = None
    tariff: int = 0


Hits = Callable[[Scope], list[Hit]]


def find_items(rule: Any, *, free: Set[str] = frozenset()) -> Hits | None:
    """By the `obis` or `match` of a rule; None where it has neither."""
    if rule.obis:
        return _by_obis(rule.obis)
    return matching_items(rule.match, free=free) if rule.match else None


def matching_items(match: Mapping[str, Any], *, free: Set[str] = frozenset()) -> Hits:
    """Items whose facts fit, in the order of the telegram; `free` facts may have any value."""
    if set(match) == {"obis"} and isinstance(match["obis"], str):
        return _by_obis(match["obis"])
    tests = [_test(key, value) for key, value in match.items() if value != _ANY]
    ordinary = [(key, ORDINARY[key]) for key in ORDINARY if key not in match and key not in free]
    quantity, by_code = match.get("quantity"), "obis" in match
    weight = 1 + sum(_alternatives(value) for value in match.values()) // ITEM_CHOICES

    def find(scope: Scope) -> list[Hit]:
        items: Sequence[Item] = scope.telegram.items
        if isinstance(quantity, str) and quantity != _ANY:
            items = scope.of_quantity(quantity)
        scope.charge(len(items) * weight + 1)
        return [
            Hit(item, _channel(item) if by_code else None, _tariff(item))
            for item in items
            if _is_ordinary(item.facts, ordinary) and _passes(item, tests)
        ]

    return find


def first_item(hits: Hits) -> Callable[[Scope], Found | None]:
    """The first that fits, as a value."""

    def find(scope: Scope) -> Found | None:
        found = hits(scope)
        return Found(found[0].item.value, found[0].item.unit, found[0].item) if found else None

    return find


def has_same(match: Mapping[str, Any]) -> bool:
    """Whether a fact is to be that of another item."""
    return _SAME in match.values()


def same_as(match: Mapping[str, Any], item: Item | None) -> Mapping[str, Any]:
    """The match with `same` filled in from the facts of an item."""
    facts = item.facts if item else {}
    return {
        key: facts.get(key, ORDINARY.get(key, (None,))[0]) if value == _SAME else value
        for key, value in match.items()
    }


def _test(key: str, value: Any) -> Callable[[Item], bool]:
    allowed = value if isinstance(value, list | tuple) else [value]
    if key == "name":
        return lambda item: item.name in allowed or item.facts.get("name") in allowed
    if key == "unit":
        return lambda item: item.unit in allowed
    if key == "obis":
        patterns = [_pattern(str(one)) for one in allowed]
        return lambda item: any(_fits(pattern, item) for pattern in patterns)
    ranges = [found for found in map(_range, allowed) if found is not None]
    if ranges:
        plain = [one for one in allowed if _range(one) is None]
        return lambda item: _among(item.facts.get(key), plain, ranges)
    return lambda item: key in item.facts and item.facts[key] in allowed


def _alternatives(value: Any) -> int:
    """How many there are besides the first."""
    return len(value) - 1 if isinstance(value, list | tuple) else 0


def _range(value: Any) -> range | None:
    """`2..33`: both ends belong to it."""
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return range(int(found.group(1)), int(found.group(2)) + 1) if found else None


def _among(value: Any, plain: list[Any], ranges: list[range]) -> bool:
    if isinstance(value, int) and any(value in one for one in ranges):
        return True
    return value is not None and value in plain


def _is_ordinary(facts: Mapping[str, Any], ordinary: list[tuple[str, tuple[Any, ...]]]) -> bool:
    # The innermost loop of all decoding: no generator.
    for key, values in ordinary:  # noqa: SIM110
        if key in facts and facts[key] not in values:
            return False
    return True


def _passes(item: Item, tests: list[Callable[[Item], bool]]) -> bool:
    for test in tests:  # noqa: SIM110
        if not test(item):
            return False
    return True


def _channel(item: Item) -> int | None:
    """The sub-meter of an OBIS code, where other facts were asked for, too."""
    channel = item.facts.get("channel")
    return channel if isinstance(channel, int) else None


def _tariff(item: Item) -> int:
    tariff = item.facts.get("tariff", 0)
    return tariff if isinstance(tariff, int) else 0


def _pattern(code: str) -> re.Pattern[str]:
    """`1-0:1.8.0*255` ends with a storage group; other asterisks are wildcards."""
    parted = _WITH_STORAGE.fullmatch(code)
    head, storage = parted.groups() if parted else (code, None)
    text = "".join(_PATTERN_PARTS.get(character, re.escape(character)) for character in head)
    # The storage group is seldom written, and 255 where it is.
    return re.compile(text + (rf"[*.]{storage}" if storage else r"(?:[*.]255)?"))


def _fits(pattern: re.Pattern[str], item: Item) -> re.Match[str] | None:
    code = item.facts.get("obis")
    return pattern.fullmatch(code) if isinstance(code, str) else None


def _by_obis(code: str) -> Hits:
    pattern = _pattern(code)
    # Meters say the same few codes in every telegram.
    known: dict[str, tuple[int | None, int | None] | None] = {}

    def told(code: str) -> tuple[int | None, int | None] | None:
        """Sub-meter and tariff of a code that fits."""
        match = pattern.fullmatch(code)
        if len(known) >= _MOST_CODES:
            known.clear()
        known[code] = None if match is None else _numbers(match.groupdict())
        return known[code]

    def find(scope: Scope) -> list[Hit]:
        hits = []
        scope.charge(len(scope.telegram.items))
        for item in scope.telegram.items:
            said = item.facts.get("obis")
            if isinstance(said, str):
                fits = known[said] if said in known else told(said)
                if fits is not None:
                    submeter, tariff = fits
                    hits.append(Hit(item, submeter, _tariff(item) if tariff is None else tariff))
        return hits

    return find


def _numbers(found: Mapping[str, str | None]) -> tuple[int | None, int | None]:
    submeter, tariff = found.get("n"), found.get("t")
    return int(submeter) if submeter else None, int(tariff) if tariff else None
