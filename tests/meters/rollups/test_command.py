"""`manage.py rollup`."""

from __future__ import annotations

from datetime import date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from meters.models import MonthTotal, NodeBlock
from tests.meters.rollups.town import Town, naive, naive_months, stored, stored_months

pytestmark = pytest.mark.django_db

DAYS = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]


@pytest.fixture
def town() -> Town:
    town = Town.build()
    channel = town.measured(town.place(town.place()), town.main())
    for day in DAYS:
        town.block(channel, day, [1] * 24)
    return town


def _call(*arguments: str) -> str:
    said = StringIO()
    call_command("rollup", *arguments, stdout=said)
    return said.getvalue()


def test_without_options_it_does_what_is_dirty(town: Town) -> None:
    assert "months summed" in _call()
    assert stored(town.company) == naive(town.company)
    assert stored_months(town.company) == naive_months(town.company)
    assert [int(row.total) for row in MonthTotal.objects.all()] == [24, 48]


@pytest.mark.parametrize("instant", ["2026-11-20 12:00Z", "2026-11-20 23:30Z"])
def test_all_goes_to_today_where_the_company_is(town: Town, instant: str) -> None:
    """Late in the evening of UTC the next day has begun in Kyiv."""
    with time_machine.travel(datetime.fromisoformat(instant)):
        _call()
        before = stored(town.company)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE meters_node_block SET expected = expected + 1")
        _call("--all")
        assert stored(town.company) == before


def test_everything_is_made_anew_from_the_blocks(town: Town) -> None:
    _call()
    before = stored(town.company), stored_months(town.company)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE meters_node_block SET total = total + 1")
        cursor.execute("DELETE FROM meters_node_month")
        cursor.execute("DELETE FROM meters_month_total")
    _call("--from", "2026-11-01", "--to", "2026-11-01")
    right = NodeBlock.objects.filter(day=DAYS[1], total=24)
    assert right.count() == 3
    assert not NodeBlock.objects.filter(day=DAYS[0], total=24).exists()
    _call("--all")
    assert (stored(town.company), stored_months(town.company)) == before
    assert "0 sums of nodes" in _call("--all", "--company", "town")


def test_wishes_that_can_not_be_met_are_told(town: Town) -> None:
    with pytest.raises(CommandError, match="no company"):
        _call("--all", "--company", "nowhere")
    with pytest.raises(CommandError, match="before it begins"):
        _call("--from", "2026-11-02", "--to", "2026-11-01")
