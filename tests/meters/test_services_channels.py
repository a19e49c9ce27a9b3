"""Channels come from published types, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from meters.errors import MetersError
from meters.models import Channel, DeviceTypeVersion, ReadingType, RegisterTemplate, TelemetryModule
from meters.services.channels import instantiate
from meters.services.device_types import device_type_version_publish

if TYPE_CHECKING:
    from tests.people import Tenant, World


def _codes(tenant: Tenant) -> set[str]:
    rows = Channel.objects.filter(usage_point=tenant.usage_point)
    return set(rows.values_list("reading_type__code", flat=True))


def _draft(tenant: Tenant, *codes: str) -> DeviceTypeVersion:
    version = DeviceTypeVersion.objects.create(device_type=tenant.device_type, number=2)
    for number, code in enumerate(codes):
        RegisterTemplate.objects.create(
            version=version,
            register=f"r{number}",
            reading_type=ReadingType.objects.get(code=code),
            interval_minutes=30,
        )
    return version


def test_an_installed_meter_has_the_channels_of_its_type(world: World) -> None:
    assert _codes(world.city) == {"cold_water.volume", "cold_water.volume.register"}


def test_instantiating_again_adds_nothing(world: World) -> None:
    before = list(Channel.objects.order_by("pk").values())
    instantiate(installations=[world.city.installation.pk], modules=[world.city.module.pk])
    instantiate(installations=[world.city.installation.pk] * 2)
    assert list(Channel.objects.order_by("pk").values()) == before


def test_an_edited_channel_stays_as_it_is(world: World) -> None:
    channel = Channel.objects.filter(usage_point=world.city.usage_point)[0]
    Channel.objects.filter(pk=channel.pk).update(interval_minutes=15, is_active=False)
    instantiate(installations=[world.city.installation.pk])
    channel.refresh_from_db()
    assert (channel.interval_minutes, channel.is_active) == (15, False)


def test_registers_of_another_resource_make_no_channel(world: World) -> None:
    version = _draft(world.city, "gas.volume")
    device_type_version_publish(actor=None, version=version)
    assert "gas.volume" not in _codes(world.city)


def test_publishing_adds_channels_and_retires_the_version_before(world: World) -> None:
    version = _draft(world.city, "cold_water.volume", "cold_water.flow")
    before = set(Channel.objects.values_list("pk", flat=True))
    device_type_version_publish(actor=world.city.engineer, version=version)
    version.refresh_from_db()
    assert (version.status, version.published_by) == ("published", world.city.engineer)
    assert version.published_at is not None
    first = DeviceTypeVersion.objects.get(pk=world.city.version.pk)
    assert first.status == "retired"
    assert "cold_water.flow" in _codes(world.city)
    assert before < set(Channel.objects.values_list("pk", flat=True))


def test_diagnostics_are_channels_of_the_module(world: World) -> None:
    code = ReadingType.objects.filter(resource="device").first()
    assert code is not None
    device_type_version_publish(actor=None, version=_draft(world.city, code.code))
    module = TelemetryModule.objects.get(pk=world.city.module.pk)
    assert list(module.channels.values_list("reading_type__code", flat=True)) == [code.code]
    instantiate(modules=[module.pk])
    assert module.channels.count() == 1


@pytest.mark.parametrize("status", ["published", "retired"])
def test_only_a_draft_is_published(world: World, status: str) -> None:
    version = _draft(world.city)
    DeviceTypeVersion.objects.filter(pk=version.pk).update(status="retired")
    wanted = world.city.version if status == "published" else version
    with pytest.raises(MetersError, match="Only a draft"):
        device_type_version_publish(actor=None, version=wanted)


@pytest.mark.parametrize("person", ["clerk", "auditor", "keeper"])
def test_readers_publish_nothing(world: World, person: str) -> None:
    version = _draft(world.city)
    with pytest.raises(MetersError, match="may not publish"):
        device_type_version_publish(actor=world.city.people[person], version=version)


def test_nobody_publishes_for_another_company(world: World) -> None:
    version = _draft(world.hill)
    with pytest.raises(MetersError, match="may not publish"):
        device_type_version_publish(actor=world.city.administrator, version=version)
