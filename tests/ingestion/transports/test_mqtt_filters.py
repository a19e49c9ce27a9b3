"""Topic filters that an operator names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestion.collection import Collection
from ingestion.transports.mqtt_topics import filters_of, fits, source_of, topic_and_address
from tests.ingestion.fleet import wait_for
from tests.ingestion.transports.broker import broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats


@pytest.fixture
def service() -> Iterator[Nats]:
    with broker() as running:
        yield running


@pytest.mark.parametrize(
    ("one", "fit", "other"),
    [
        ("tele/ups/SENSOR", ["tele/ups/SENSOR"], ["tele/ups", "tele/ups/SENSOR/x", "Tele/ups/SENSOR"]),
        ("gw/+/ups", ["gw/a/ups", "gw//ups"], ["gw/ups", "gw/a/b/ups", "gw/a/upsa"]),
        ("gw/ups/#", ["gw/ups", "gw/ups/a", "gw/ups/a/b", "gw/ups/"], ["gw", "gw/upsa", "gw/x/a"]),
        ("+/+", ["a/b", "/"], ["a", "a/b/c"]),
    ],
)  # fmt: skip
def test_topics_fit_filters_as_the_standard_says(
    one: str, fit: list[str], other: list[str]
) -> None:
    assert [topic for topic in fit if not fits(topic, one)] == []
    assert [topic for topic in other if fits(topic, one)] == []


def test_a_source_tells_topic_and_address() -> None:
    for address in ("10.0.0.5", "2001:db8::1", "fe80::1%eth0", ""):
        for topic in ("tele/ups/SENSOR", "/a", "10.0.0.9/x", "a b"):
            assert topic_and_address(source_of(topic.encode(), address)) == (topic, address)
    assert topic_and_address("10.0.0.5") == ("", "10.0.0.5")
    assert topic_and_address("") == ("", "")


def test_filters_are_sorted_and_each_once() -> None:
    text = " v3/+/devices/+/up, application/#,v3/+/devices/+/up,,+/+/up"
    assert filters_of(text) == ("+/+/up", "application/#", "v3/+/devices/+/up")
    assert filters_of("") == ()


@pytest.mark.parametrize(
    "text",
    [
        *("application/dev+/up", "a/b#", "a/#/b", "a b/c", "a" * 1_025),
        *("#", "+/#", "readout/#", "+/+/+/+/+", "readout/v1/up/3/+", "readout/v1/up/3/#"),
    ],
)
def test_what_is_no_filter_or_takes_our_own_topics_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        filters_of(text)


def test_others_with_five_levels_are_taken() -> None:
    assert filters_of("+/v3/+/+/up,readout/v2/+/+/+") == ("+/v3/+/+/up", "readout/v2/+/+/+")


def test_a_mistake_is_told_at_the_start(settings: Any) -> None:
    settings.INGEST_MQTT_TOPICS = "#"
    with pytest.raises(ValueError, match="own topics"):
        Collection()


@pytest.mark.usefixtures("archive_tables")
def test_the_topics_alone_are_subscribed_to_where_no_shard_is(service: Nats, settings: Any) -> None:
    settings.MQTT_URL, settings.INGEST_MQTT_SHARDS = service.url, ""
    settings.INGEST_MQTT_TOPICS = "v3/+/devices/+/up"
    made = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=-1)
    made.start()
    try:
        found = wait_for(lambda: made.broker, what="the broker")
        wait_for(lambda: found.subscribed_topics, what="the topics")
        assert [session.filters for session in found.sessions] == [("v3/+/devices/+/up",)]
    finally:
        made.stop()
