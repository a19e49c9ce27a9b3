"""When a value was so: the rule of an `at`, or the telegram's clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .matching import first_item, matching_items, same_as
from .references import lookup
from .scope import Found, Scope

__all__ = ["Moment", "compile_clock", "compile_moment", "floored"]

_HOUR = 3_600
# The time of a value; None where the telegram says none.
Moment = Callable[[Scope, Found], datetime | None]


def compile_moment(rule: str | Mapping[str, Any]) -> Moment:
    """The `at` of a rule; the telegram's time where it is empty."""
    if not rule:
        return lambda scope, value: scope.clock
    if isinstance(rule, str):
        return _by_field(rule)
    if "field" in rule:
        return _by_field(rule["field"])
    if "fact" in rule:
        return _by_fact(rule["fact"])
    return _by_match(rule.get("match") or {"obis": rule["obis"]})


def _by_field(reference: str) -> Moment:
    find = lookup(reference)
    return lambda scope, value: scope.instant(find(scope))


def _by_fact(name: str) -> Moment:
    def moment(scope: Scope, value: Found) -> datetime | None:
        if value.item is None or name not in value.item.facts:
            return None
        return scope.instant(Found(value.item.facts[name], "", value.item))

    return moment


def _by_match(match: Mapping[str, Any]) -> Moment:
    if "same" not in match.values():
        find = first_item(matching_items(match))
        return lambda scope, value: scope.instant(find(scope))

    def moment(scope: Scope, value: Found) -> datetime | None:
        find = first_item(matching_items(same_as(match, value.item)))
        return scope.instant(find(scope))

    return moment


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
