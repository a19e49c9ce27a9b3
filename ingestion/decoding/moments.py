"""When a value was so: the rule of an `at`, or the telegram's clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .matching import first_item, has_same, matching_items, same_as
from .references import lookup
from .scope import Found, Scope

__all__ = ["Moment", "compile_clock", "compile_moment", "floored"]

Finding = Callable[[Scope, Found], Found | None]

_HOUR = 3_600
_LAST_DAY = date(9999, 12, 31)
# The time of a value; None where the telegram says none.
Moment = Callable[[Scope, Found], datetime | None]


def compile_moment(rule: str | Mapping[str, Any]) -> Moment:
    """The `at` of a rule; the telegram's time where it is empty."""
    if not rule:
        return lambda scope, value: scope.clock
    if isinstance(rule, str):
        return _by_field(rule)
    find = _finding(rule)
    end = rule.get("end_of_day", False)
    return lambda scope, value: scope.instant(
        _ended(find(scope, value)) if end else find(scope, value)
    )


def _finding(rule: Mapping[str, Any]) -> Finding:
    if "field" in rule:
        find = lookup(rule["field"])
        return lambda scope, value: find(scope)
    if "fact" in rule:
        return _by_fact(rule["fact"])
    return _by_match(rule.get("match") or {"obis": rule["obis"]})


def _by_field(reference: str) -> Moment:
    find = lookup(reference)
    return lambda scope, value: scope.instant(find(scope))


def _ended(found: Found | None) -> Found | None:
    """A date as the first moment of the day behind it; other times stay as they are."""
    if found is None or not isinstance(found.value, date) or isinstance(found.value, datetime):
        return found
    if found.value >= _LAST_DAY:
        return None
    return found._replace(value=found.value + timedelta(days=1))


def _by_fact(name: str) -> Finding:
    def find(scope: Scope, value: Found) -> Found | None:
        if value.item is None or name not in value.item.facts:
            return None
        return Found(value.item.facts[name], "", value.item)

    return find


def _by_match(match: Mapping[str, Any]) -> Finding:
    if not has_same(match):
        find = first_item(matching_items(match))
        return lambda scope, value: find(scope)
    return lambda scope, value: first_item(matching_items(same_as(match, value.item)))(scope)


def compile_clock(clock: Any) -> Callable[[Scope], datetime | None]:
    """The time of the whole telegram."""
    if clock.at:
        find = lookup(clock.at)
    elif clock.match or clock.obis:
        find = first_item(matching_items(clock.match or {"obis": clock.obis}))
    else:
        return lambda scope: None
    return lambda scope: scope.instant(find(scope))


def floored(at: datetime, seconds: int, scope: Scope) -> datetime:
    """Back to the last full step of the day, in the device's zone."""
    wall = at.astimezone(scope.zone or UTC)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    since = wall.replace(tzinfo=None) - midnight
    step = timedelta(seconds=seconds)
    if seconds > _HOUR:
        start = midnight + since // step * step
        return start.replace(tzinfo=wall.tzinfo).astimezone(UTC)
    # Elapsed time is taken off, so that an hour that comes twice stays apart from its twin.
    return at - since % step
