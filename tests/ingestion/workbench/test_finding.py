"""What helps to find one's way: words where one writes, and the names of drafts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from ingestion.services.device_types import (
    device_type_create,
    fingerprint,
    version_publish,
    version_save,
)
from ingestion.workbench.starting import starter_text
from meters.models import DeviceTypeVersion

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db

TEXT = starter_text("binary")
LAYOUT = "decode:\n  kind: binary\n  "


@pytest.fixture
def engineer(world: World) -> Client:
    client = Client()
    client.force_login(world.city.engineer)
    return client


@pytest.fixture
def version(world: World) -> DeviceTypeVersion:
    return device_type_create(
        actor=world.city.engineer, company=world.city.company, definition=TEXT
    )


@pytest.mark.parametrize(
    ("before", "offered"),
    [
        ("checksum: ", "crc-16/modbus"),
        ("checksum: {type: ", "sum16"),
        ("checksum: {", "over"),
        ("checksum:\n    ", "on_error"),
        ("endian: ", "little"),
        ("fields:\n    - {", "name"),
        ("fields:\n    - {name: a, time: ", "{epoch: 2020-01-01}"),
        ("fields:\n    - {name: a, type: ", "bcd"),
    ],
)
def test_words_of_a_layout_of_bytes(engineer: Client, before: str, offered: str) -> None:
    asked = json.dumps({"before": LAYOUT + before})
    told = engineer.post(reverse("admin:workbench_words"), asked, "application/json").json()
    assert offered in {row["word"] for row in told["keys"] + told["words"]}


def test_a_layout_of_json_is_offered_no_keys_of_bytes(engineer: Client) -> None:
    asked = json.dumps({"before": "decode:\n  kind: json\n  fields:\n    - {"})
    told = engineer.post(reverse("admin:workbench_words"), asked, "application/json").json()
    assert "bit_order" not in {row["word"] for row in told["keys"]}


def test_a_draft_is_called_what_its_text_says(world: World, version: DeviceTypeVersion) -> None:
    text = TEXT.replace("vendor: Maker", "vendor: Brook").replace("model: Model", "model: WM-200")
    version_save(
        actor=world.city.engineer, version=version, definition=text, base=fingerprint(TEXT)
    )
    version.device_type.refresh_from_db()
    assert (version.device_type.manufacturer, version.device_type.name) == ("Brook", "WM-200")


def test_devices_are_offered_no_type_that_is_a_draft(
    engineer: Client, world: World, version: DeviceTypeVersion
) -> None:
    def offered() -> set[str]:
        asked = {"app_label": "meters", "model_name": "meter", "field_name": "device_type"}
        told = engineer.get(reverse("admin:autocomplete"), asked | {"term": "new-binary"}).json()
        return {row["id"] for row in told["results"]}

    assert offered() == set()
    version_publish(actor=world.city.engineer, version=version, why="first")
    assert offered() == {str(version.device_type_id)}
