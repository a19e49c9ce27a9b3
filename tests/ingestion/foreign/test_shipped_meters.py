"""Shipped types of allocators and room sensors, from the socket to the archive."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from meters.definition import read_definition
from meters.models import Channel
from meters.services.channels import instantiate
from tests.ingestion import fleet
from tests.ingestion.archive import blocks
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Collector

pytestmark = pytest.mark.usefixtures("archive_tables")

ALLOCATED = "heat.allocation.register"


def _send(collector: Collector, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, ("127.0.0.1", collector.udp.port))


def _telegram(name: str) -> tuple[bytes, str]:
    """The telegram that a shipped type is tested by, and whose it is."""
    test = read_definition(site.shipped(name), name=name).tests[0]
    return bytes.fromhex(test.payload[0]), test.identity


def test_units_of_an_allocator_are_kept(collect: Collect) -> None:
    city = fleet.company()
    payload, identity = _telegram("bmeters_hydroclima")
    kind = site.publish(city, site.shipped("bmeters_hydroclima"))
    point = site.install(site.module(city, kind, identity), {ALLOCATED: 0})
    _send(collect(), payload)
    [(_at, value)] = wait_for(lambda: site.registers(point, ALLOCATED), what="the units")
    assert value == 4_419_000


def test_temperature_and_humidity_of_a_room_are_the_sensors_own(collect: Collect) -> None:
    city = fleet.company()
    payload, identity = _telegram("weptech_munia")
    kind = site.publish(city, site.shipped("weptech_munia"))
    sensor = site.module(city, kind, identity)
    instantiate(modules=[sensor.pk])
    channels = {
        row.reading_type.code: row.pk
        for row in Channel.objects.filter(module=sensor).select_related("reading_type")
    }
    assert set(channels) == {"device.temperature", "device.humidity"}
    _send(collect(), payload)
    found = wait_for(lambda: blocks() if len(blocks()) == len(channels) else None, what="the room")
    values = {key[0]: [one for one in row[2] if one is not None] for key, row in found.items()}
    assert values == {channels["device.temperature"]: [2_260], channels["device.humidity"]: [579]}
