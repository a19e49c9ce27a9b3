"""Whatever happens, in whatever order, however often it is summed: the sums are those that one
gets by going through every value of every channel.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierarchy.errors import HierarchyError
from hierarchy.models import Node
from hierarchy.services import node_move
from meters.models import Channel, Connection, Installation, UsagePoint
from meters.rollups.months import months_catch_up
from meters.rollups.running import days_roll_up, roll_up, roll_up_all
from tests.access.walk import undone
from tests.meters.rollups.town import Town, naive, naive_months, stored, stored_months

if TYPE_CHECKING:
    from collections.abc import Callable

# The clock goes back on the second of them.
DAYS = [date(2026, 10, 24) + timedelta(days=number) for number in range(3)]
NOW = datetime(2026, 10, 26, 9, tzinfo=UTC)
ROLES = ["consumption", "supply", "balance"]
_VALUE = st.one_of(st.none(), st.integers(-50, 2**40))
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["block", "block", "block", "roll", "again", "connect", "connect", "disconnect"]
            + ["move place", "move main", "settle", "role", "switch", "exchange", "remove"]
        ),
        st.integers(0, 30),
        st.integers(0, 30),
        st.lists(_VALUE, min_size=1, max_size=6),
    ),
    min_size=2,
    max_size=14,
)
_SHAPE = st.tuples(
    st.lists(st.integers(-1, 5), min_size=1, max_size=5),  # parents of places
    st.lists(st.integers(-1, 5), min_size=1, max_size=4),  # parents of mains
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(-1, 5),
            st.sampled_from(ROLES),
            st.sampled_from([15, 30, 60, 60, 120, 1440]),
        ),
        min_size=1,
        max_size=5,
    ),
)


@given(shape=_SHAPE, filled=st.lists(_VALUE, min_size=5, max_size=9), steps=_STEPS)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_sums_are_those_of_every_value(
    db: None,
    shape: Any,
    filled: list[int | None],
    steps: list[tuple[str, int, int, list[int | None]]],
) -> None:
    with undone():
        town = _built(*shape)
        _fill(town, filled)
        roll_up_all(now=NOW)
        for what, one, other, values in steps:
            _DO[what](town, one, other, values)
        roll_up_all(now=NOW)
        assert stored(town.company) == naive(town.company)
        months_catch_up()
        assert stored_months(town.company) == naive_months(town.company)
        again = days_roll_up(company_id=town.company.pk, first=DAYS[0], last=DAYS[-1])
        assert again.nodes == 0


def _built(places: list[int], mains: list[int], points: list[Any]) -> Town:
    town = Town.build()
    for made, nodes, parents in (
        (town.place, town.places, places),
        (town.main, town.mains, mains),
    ):
        for parent in parents:
            made(nodes[parent % len(nodes)] if nodes and parent >= 0 else None)
    for place, main, role, interval in points:
        point = town.point(
            _pick(town.places, place), _pick(town.mains, main) if main >= 0 else None, role=role
        )
        town.channel(point, interval)
    return town


def _fill(town: Town, values: list[int | None]) -> None:
    """Days to begin with, so that every change has something to move."""
    for number, channel in enumerate(town.channels):
        for place, day in enumerate(DAYS):
            slots = town.slots(channel, day)
            row = [values[(slot + number + place) % len(values)] for slot in range(slots)]
            town.block(channel, day, row)


def _pick(rows: list[Any], number: int) -> Any:
    return rows[number % len(rows)]


def _block(town: Town, one: int, other: int, values: list[int | None]) -> None:
    channel, day = _pick(town.channels, one), _pick(DAYS, other)
    slots = town.slots(channel, day)
    filled = [values[slot % len(values)] for slot in range(slots)]
    town.block(channel, day, filled, estimated=range(other % 3))


def _connect(town: Town, one: int, other: int, _values: Any) -> None:
    day = _pick([DAYS[0] - timedelta(days=9), *DAYS[1:]], one + other)
    town.connect(_pick(town.points, one), _pick(town.mains, other), day)


def _disconnect(_town: Town, one: int, _other: int, _values: Any) -> None:
    if rows := list(Connection.objects.order_by("pk")):
        _pick(rows, one).delete()


def _move(nodes: list[Node], one: int, other: int) -> None:
    node = Node.objects.get(pk=_pick(nodes, one).pk)
    target = _pick([None, *nodes], other)
    try:
        node_move(actor=None, node=node, parent=target)
    except HierarchyError:
        return  # below itself


def _settle(town: Town, one: int, other: int, _values: Any) -> None:
    point = _pick(town.points, one)
    UsagePoint.objects.filter(pk=point.pk).update(place=_pick(town.places, other))


def _role(town: Town, one: int, other: int, _values: Any) -> None:
    UsagePoint.objects.filter(pk=_pick(town.points, one).pk).update(role=_pick(ROLES, other))


def _switch(town: Town, one: int, other: int, _values: Any) -> None:
    if other % 2:
        rows: Any = Channel.objects.filter(pk=_pick(town.channels, one).pk)
    else:
        rows = UsagePoint.objects.filter(pk=_pick(town.points, one).pk)
    rows.update(is_active=other % 4 > 1)


def _exchange(town: Town, one: int, other: int, _values: Any) -> None:
    """The meter leaves at some hour, another one comes later."""
    point = _pick(town.points, one)
    gone = datetime(2026, 10, 24, 5, tzinfo=UTC) + timedelta(hours=2 * other, minutes=7)
    rows = Installation.objects.filter(usage_point=point, removed_at=None, installed_at__lt=gone)
    if rows.update(removed_at=gone):
        town.install(point, gone + timedelta(hours=one))


def _remove(town: Town, one: int, _other: int, _values: Any) -> None:
    Installation.objects.filter(usage_point=_pick(town.points, one)).delete()


_DO: dict[str, Callable[[Town, int, int, list[int | None]], Any]] = {
    "block": _block,
    "roll": lambda *_: roll_up(now=NOW),
    "again": lambda town, one, *_: days_roll_up(
        company_id=town.company.pk, first=_pick(DAYS, one), last=_pick(DAYS, one)
    ),
    "connect": _connect,
    "disconnect": _disconnect,
    "move place": lambda town, one, other, _: _move(town.places, one, other),
    "move main": lambda town, one, other, _: _move(town.mains, one, other),
    "settle": _settle,
    "role": _role,
    "switch": _switch,
    "exchange": _exchange,
    "remove": _remove,
}
