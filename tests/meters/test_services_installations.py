"""Installing, removing and exchanging meters, also late and by several people at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from meters.errors import MetersError
from meters.models import Channel, Installation, InstallationReading, Meter, UsagePoint
from meters.services.installations import (
    installations_settle,
    meter_exchange,
    meter_install,
    meter_remove,
)

if TYPE_CHECKING:
    from tests.people import Tenant, World

REGISTER = "cold_water.volume.register"


def _day(day: int, month: int = 6, year: int = 2025) -> datetime:
    return datetime(year, month, day, 9, tzinfo=UTC)


def _exchange(tenant: Tenant, **wishes: Any) -> Any:
    values: dict[str, Any] = {
        "actor": None,
        "usage_point": tenant.usage_point,
        "at": _day(10),
        "closing": {REGISTER: Decimal("120.5")},
        "meter": tenant.spare,
        "opening": {REGISTER: Decimal("0.1")},
    }
    return meter_exchange(**{**values, **wishes})


def _meter(tenant: Tenant, serial: str) -> Meter:
    return Meter.objects.create(
        company=tenant.company, serial=serial, device_type=tenant.device_type
    )


def _assert_one_at_a_time(usage_point: UsagePoint) -> None:
    rows = list(Installation.objects.filter(usage_point=usage_point).order_by("installed_at"))
    for earlier, later in zip(rows, rows[1:], strict=False):
        assert earlier.removed_at is not None
        assert earlier.removed_at <= later.installed_at


def test_exchange_closes_one_and_opens_the_other(world: World) -> None:
    city = world.city
    done = _exchange(city, actor=city.engineer, reason="verification")
    assert (done.removed.removed_at, done.installed.installed_at) == (_day(10), _day(10))
    assert done.removed.readings.get().closing == Decimal("120.5")
    assert done.installed.readings.get().opening == Decimal("0.1")
    assert done.installed.reason == "verification"
    old, new = Meter.objects.get(pk=city.meter.pk), Meter.objects.get(pk=city.spare.pk)
    assert (old.status, old.usage_point) == ("removed", None)
    assert (new.status, new.usage_point_id) == ("installed", city.usage_point.pk)


def test_channels_survive_an_exchange(world: World) -> None:
    before = set(Channel.objects.filter(usage_point=world.city.usage_point).values_list("pk"))
    assert before
    _exchange(world.city)
    after = set(Channel.objects.filter(usage_point=world.city.usage_point).values_list("pk"))
    assert after == before


def test_new_meter_keeps_the_multiplier_unless_told(world: World) -> None:
    Installation.objects.filter(pk=world.city.installation.pk).update(multiplier=40)
    assert _exchange(world.city).installed.multiplier == 40
    again = _exchange(
        world.city, at=_day(20), meter=_meter(world.city, "M3"), multiplier=Decimal("20")
    )
    assert again.installed.multiplier == 20


def test_exchange_entered_ten_days_late_between_two_others(world: World) -> None:
    """It happened on the 10th, and what followed on the 20th is known already."""
    third = _meter(world.city, "M3")
    _exchange(world.city, at=_day(20), meter=third)
    with pytest.raises((MetersError, ValidationError)):
        # The spare can't stay for ever: the third meter came on the 20th.
        _exchange(world.city, at=_day(10), meter=world.city.spare)
    _assert_one_at_a_time(world.city.usage_point)
    rows = Installation.objects.filter(usage_point=world.city.usage_point)
    assert [row.meter_id for row in rows.order_by("installed_at")] == [
        world.city.meter.pk,
        third.pk,
    ]
    assert rows.get(meter=world.city.meter).removed_at == _day(20)


def test_exchange_may_be_entered_late(world: World) -> None:
    late = timezone.now() - timedelta(days=10)
    done = _exchange(world.city, at=late)
    assert done.installed.installed_at == late
    assert Meter.objects.get(pk=world.city.spare.pk).status == "installed"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"at": datetime(2099, 1, 1, tzinfo=UTC)}, "after it happened"),
        ({"at": datetime(2024, 1, 1, tzinfo=UTC)}, "No meter was installed"),
        ({"closing": {}}, "Closing readings are missing"),
        ({"closing": {"gas.volume.register": Decimal(1)}}, "missing"),
        ({"opening": {"gas.volume.register": Decimal(1)}}, "no register"),
        ({"opening": {"cold_water.volume": Decimal(1)}}, "no register"),
        ({"opening": {"nonsense": Decimal(1)}}, "no register"),
        ({"opening": {REGISTER: Decimal(-1)}}, ""),
        ({"multiplier": Decimal(0)}, ""),
    ],
)
def test_impossible_exchanges_change_nothing(
    world: World, wishes: dict[str, Any], message: str
) -> None:
    before = list(Installation.objects.order_by("pk").values())
    readings = list(InstallationReading.objects.order_by("pk").values())
    with pytest.raises(ValidationError) as refusal:
        _exchange(world.city, **wishes)
    assert message in " ".join(refusal.value.messages)
    assert list(Installation.objects.order_by("pk").values()) == before
    assert list(InstallationReading.objects.order_by("pk").values()) == readings


def test_a_meter_is_not_exchanged_for_itself(world: World) -> None:
    with pytest.raises(MetersError, match="for itself"):
        _exchange(world.city, meter=world.city.meter)


def test_a_meter_installed_elsewhere_is_refused(world: World) -> None:
    elsewhere = UsagePoint.objects.create(
        company=world.city.company,
        code="UP-2",
        resource="cold_water",
        place=world.city.far_building,
    )
    meter_install(
        actor=None,
        meter=world.city.spare,
        usage_point=elsewhere,
        at=_day(1),
        readings={REGISTER: Decimal(0)},
    )
    with pytest.raises(ValidationError, match="elsewhere"):
        _exchange(world.city)
    assert Installation.objects.get(meter=world.city.meter).removed_at is None


@pytest.mark.parametrize("what", ["meter", "usage_point"])
def test_things_of_another_company_are_refused(world: World, what: str) -> None:
    wishes = {what: world.hill.things["spare" if what == "meter" else what]}
    with pytest.raises(MetersError, match="may not change|another company"):
        _exchange(world.city, actor=world.city.administrator, **wishes)
    with pytest.raises(MetersError, match="another company"):
        _exchange(world.city, **wishes)


@pytest.mark.parametrize("person", ["clerk", "auditor", "dispatcher", "billing"])
def test_readers_may_not_exchange(world: World, person: str) -> None:
    with pytest.raises(MetersError, match="may not"):
        _exchange(world.city, actor=world.city.people[person])


def test_install_where_a_meter_hangs_is_refused(world: World) -> None:
    with pytest.raises(ValidationError, match="Another meter"):
        meter_install(
            actor=None,
            meter=world.city.spare,
            usage_point=world.city.usage_point,
            at=_day(5),
            readings={REGISTER: Decimal(0)},
        )


def test_a_stretch_before_the_first_meter_can_be_entered(world: World) -> None:
    """An earlier meter whose papers turned up later: installed, then removed in time."""
    earlier = Installation.objects.create(
        company=world.city.company,
        meter=world.city.spare,
        usage_point=world.city.usage_point,
        installed_at=_day(1, 6, 2024),
        removed_at=_day(1, 12, 2024),
    )
    installations_settle(installations=[earlier.pk])
    assert Meter.objects.get(pk=world.city.spare.pk).status == "removed"
    assert Meter.objects.get(pk=world.city.meter.pk).status == "installed"
    _assert_one_at_a_time(world.city.usage_point)


def test_removal(world: World) -> None:
    removed = meter_remove(
        actor=None,
        installation=world.city.installation,
        at=_day(3),
        readings={REGISTER: Decimal(9)},
        reason="demolished",
    )
    assert (removed.removed_at, removed.reason) == (_day(3), "demolished")
    meter = Meter.objects.get(pk=world.city.meter.pk)
    assert (meter.status, meter.usage_point) == ("removed", None)
    with pytest.raises(MetersError, match="already removed"):
        meter_remove(actor=None, installation=removed, at=_day(4), readings={})


def test_removal_before_installation_is_refused(world: World) -> None:
    with pytest.raises(ValidationError, match="after it is installed"):
        meter_remove(
            actor=None, installation=world.city.installation, at=_day(1, 1, 2024), readings={}
        )


def test_closing_a_register_that_was_never_opened_is_refused(world: World) -> None:
    InstallationReading.objects.filter(installation=world.city.installation).delete()
    with pytest.raises(MetersError, match="no opening reading"):
        meter_remove(
            actor=None,
            installation=world.city.installation,
            at=_day(3),
            readings={REGISTER: Decimal(9)},
        )


def test_a_removed_meter_can_hang_again(world: World) -> None:
    _exchange(world.city)
    back = _exchange(world.city, at=_day(20), meter=world.city.meter)
    assert back.installed.meter_id == world.city.meter.pk
    assert Meter.objects.get(pk=world.city.meter.pk).status == "installed"
    _assert_one_at_a_time(world.city.usage_point)


@pytest.mark.parametrize("what", ["meter", "usage_point"])
def test_database_refuses_overlaps(world: World, what: str) -> None:
    other = UsagePoint.objects.create(
        company=world.city.company, code="UP-2", resource="cold_water", place=world.city.building
    )
    row = Installation(
        company=world.city.company,
        meter=world.city.meter if what == "meter" else world.city.spare,
        usage_point=other if what == "meter" else world.city.usage_point,
        installed_at=_day(1),
    )
    with pytest.raises(IntegrityError, match="once"), transaction.atomic():
        Installation.objects.bulk_create([row])


@pytest.mark.django_db(transaction=True)
def test_of_many_exchanges_at_once_one_remains() -> None:
    from tests.people import build_world

    city = build_world().city
    contenders = [_meter(city, f"C{number}") for number in range(6)]
    start = Barrier(len(contenders))

    def attempt(meter: Meter) -> bool:
        try:
            start.wait(timeout=60)
            _exchange(city, meter=meter)
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(len(contenders)) as pool:
        went = list(pool.map(attempt, contenders))
    assert went.count(True) == 1
    rows = Installation.objects.filter(usage_point=city.usage_point)
    winner = contenders[went.index(True)]
    assert rows.get(removed_at=None).meter_id == winner.pk
    assert rows.count() == 2
    assert list(Meter.objects.filter(status="installed", company=city.company)) == [winner]
    _assert_one_at_a_time(city.usage_point)
