"""Types as texts: entered, kept, published, taken back, copied; and those that are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError

from ingestion.services import device_types
from ingestion.services.device_types import (
    device_type_create,
    device_type_duplicate,
    device_types_sync,
    fingerprint,
    version_draft,
    version_publish,
    version_roll_back,
    version_save,
)
from ingestion.workbench.starting import starter_text
from meters.errors import MetersError
from meters.models import DeviceType, DeviceTypeVersion
from meters.services.device_types import device_type_version_publish

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db

TEXT = starter_text("binary").replace("new-binary-meter", "acme-w1")


def _made(world: World, text: str = TEXT) -> DeviceTypeVersion:
    return device_type_create(
        actor=world.city.engineer, company=world.city.company, definition=text
    )


def _published(world: World, text: str = TEXT) -> DeviceTypeVersion:
    version = _made(world, text)
    version_publish(actor=world.city.engineer, version=version, why="first lot")
    version.refresh_from_db()
    return version


def test_a_type_has_the_head_of_its_text(world: World) -> None:
    version = _made(world, TEXT.replace("vendor: Maker", "vendor: Acme").replace("cold", "hot"))
    row = version.device_type
    assert (row.code, row.manufacturer, row.name) == ("acme-w1", "Acme", "Model")
    assert (row.resource, row.role, version.number) == ("hot_water", "meter", 1)
    assert version.status == "draft"


def test_a_code_that_is_taken_gets_a_number(world: World) -> None:
    _made(world)
    second = _made(world)
    assert second.device_type.code == "acme-w1-2"
    assert "type: acme-w1-2\n" in second.definition


def test_a_text_with_faults_is_kept_all_the_same(world: World) -> None:
    assert _made(world, "type: [").device_type.code == "new-type"


def test_nobody_enters_types_in_another_company(world: World) -> None:
    for actor in (world.hill.engineer, world.city.auditor, world.stranger):
        with pytest.raises(MetersError, match="may not enter"):
            device_type_create(actor=actor, company=world.city.company, definition=TEXT)
    with pytest.raises(MetersError, match="may not enter"):
        device_type_create(actor=world.city.engineer, company=None, definition=TEXT)


def test_publishing_makes_the_registers_and_tells_who_and_why(world: World) -> None:
    version = _published(world)
    assert (version.status, version.comment) == ("published", "first lot")
    assert version.published_by == world.city.engineer
    register, _amounts = version.registers.order_by("pk")
    assert register.register == "volume"
    assert register.reading_type.code == "cold_water.volume.register"


def test_a_type_of_several_resources_has_registers_of_each(world: World) -> None:
    text = TEXT.replace("resource: cold_water", "resource: [cold_water, hot_water]")
    version = _published(world, text.replace("cold_water.volume.register", '"{counted}"'))
    assert set(version.registers.values_list("register", "reading_type__code")) == {
        ("volume", "cold_water.volume.register"),
        ("volume", "hot_water.volume.register"),
        ("volume", "cold_water.volume"),
        ("volume", "hot_water.volume"),
    }


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("value: 1.000", "value: 2.000", "“made by hand” fails"),
        ("    refused: byte\n", "    expect: {volume: 1}\n", "“cut off” fails"),
        ("vendor:", "vendro:", "vendor"),
        ("value: $volume}", "value: $volume, unit: kWh}", "can't be kept"),
    ],
)
def test_what_is_not_fit_is_not_published(world: World, old: str, new: str, why: str) -> None:
    version = _made(world, TEXT.replace(old, new))
    with pytest.raises(MetersError, match=why):
        version_publish(actor=world.city.engineer, version=version, why="try")
    version.refresh_from_db()
    assert (version.status, version.comment) == ("draft", "")


@pytest.mark.parametrize("missing", ["made by hand", "cut off"])
def test_one_good_and_one_bad_test_are_asked_for(world: World, missing: str) -> None:
    head, _dash, tests = TEXT.partition("tests:\n")
    kept = [one for one in tests.split("  - ") if one and not one.startswith(f"name: {missing}")]
    text = head + "tests:\n" + "".join(f"  - {one}" for one in kept)
    with pytest.raises(MetersError, match="There is no test"):
        version_publish(actor=world.city.engineer, version=_made(world, text), why="try")


def test_no_other_way_publishes_what_is_not_fit(world: World) -> None:
    version = _made(world, TEXT.replace("value: 1.000", "value: 2.000"))
    with pytest.raises(MetersError, match="fails"):
        device_type_version_publish(actor=world.city.engineer, version=version)


def test_publishing_asks_why(world: World) -> None:
    with pytest.raises(MetersError, match="what changed and why"):
        version_publish(actor=world.city.engineer, version=_made(world), why=" ")


def test_nobody_publishes_for_another_company(world: World) -> None:
    version = _made(world)
    for actor in (world.hill.engineer, world.city.auditor):
        with pytest.raises(MetersError, match="may not"):
            version_publish(actor=actor, version=version, why="mine")


def test_the_row_of_a_type_follows_its_text(world: World) -> None:
    version = _made(world)
    text = TEXT.replace("vendor: Maker", "vendor: Acme").replace("type: acme-w1", "type: acme-w2")
    version_save(
        actor=world.city.engineer,
        version=version,
        definition=text,
        base=fingerprint(version.definition),
    )
    version_publish(actor=world.city.engineer, version=version, why="renamed")
    row = DeviceType.objects.get(pk=version.device_type_id)
    assert (row.code, row.manufacturer) == ("acme-w2", "Acme")


def test_a_published_type_keeps_its_code(world: World) -> None:
    draft = version_draft(actor=world.city.engineer, version=_published(world))
    text = draft.definition.replace("type: acme-w1", "type: acme-w2")
    version_save(
        actor=world.city.engineer,
        version=draft,
        definition=text,
        base=fingerprint(draft.definition),
    )
    with pytest.raises(MetersError, match="called acme-w1"):
        version_publish(actor=world.city.engineer, version=draft, why="renamed")


def test_a_draft_is_not_saved_over_somebody_elses(world: World) -> None:
    version = _made(world)
    base = fingerprint(version.definition)
    version_save(actor=world.city.engineer, version=version, definition=f"{TEXT}#1\n", base=base)
    with pytest.raises(MetersError, match="Somebody else"):
        version_save(
            actor=world.city.administrator, version=version, definition=f"{TEXT}#2\n", base=base
        )
    version.refresh_from_db()
    assert version.definition.endswith("#1\n")


def test_a_published_version_never_changes(world: World) -> None:
    version = _published(world)
    with pytest.raises(MetersError, match="Only a draft"):
        version_save(
            actor=world.city.engineer,
            version=version,
            definition="",
            base=fingerprint(version.definition),
        )


def test_a_text_that_is_too_long_is_refused(world: World) -> None:
    with pytest.raises(MetersError, match="are allowed"):
        _made(world, "#" * 200_001)


def test_rolling_back_publishes_the_earlier_text_as_a_new_version(world: World) -> None:
    first = _published(world)
    draft = version_draft(actor=world.city.engineer, version=first)
    assert "version: 2\n" in draft.definition
    version_publish(actor=world.city.engineer, version=draft, why="better")
    first.refresh_from_db()
    third = version_roll_back(actor=world.city.administrator, version=first, why="worse")
    third.refresh_from_db()
    assert (third.number, third.status) == (3, "published")
    assert third.comment == "Back to version 1: worse"
    assert third.definition == first.definition.replace("version: 1\n", "version: 3\n")
    assert third.registers.count() == 2, "the register, and its amounts"
    with pytest.raises(MetersError, match="in force before"):
        version_roll_back(actor=world.city.administrator, version=third, why="again")


def test_a_copy_is_a_type_of_the_own_company(world: World) -> None:
    shipped = device_type_create(actor=None, company=None, definition=TEXT)
    copy = device_type_duplicate(
        actor=world.city.engineer, version=shipped, company=world.city.company
    )
    assert copy.device_type.company == world.city.company
    assert copy.device_type.code == "acme-w1-copy"
    assert "type: acme-w1-copy\n" in copy.definition


def test_a_copy_of_what_one_does_not_see_is_refused(world: World) -> None:
    with pytest.raises(MetersError, match="may not"):
        device_type_duplicate(
            actor=world.hill.engineer, version=_made(world), company=world.hill.company
        )


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> Path:
    monkeypatch.setattr(device_types, "_SHIPPED", tmp_path)
    (tmp_path / "acme_w1.yaml").write_text(TEXT)
    return tmp_path


def _in_force() -> dict[str, Any]:
    rows = DeviceTypeVersion.objects.filter(device_type__company=None, status="published")
    return dict(rows.values_list("device_type__code", "number"))


def test_shipped_types_are_entered_once(shipped: Path) -> None:
    assert device_types_sync() == 1
    assert _in_force() == {"acme-w1": 1}
    assert device_types_sync() == 0
    version = DeviceTypeVersion.objects.get(device_type__code="acme-w1")
    assert version.definition == TEXT
    assert version.registers.count() == 2, "the register, and its amounts"


def test_a_changed_file_is_a_new_version(shipped: Path) -> None:
    device_types_sync()
    (shipped / "acme_w1.yaml").write_text(TEXT.replace("vendor: Maker", "vendor: Acme"))
    assert device_types_sync() == 1
    assert _in_force() == {"acme-w1": 2}
    assert DeviceType.objects.get(company=None, code="acme-w1").manufacturer == "Acme"


@pytest.mark.parametrize("broken", ["type: [", TEXT.replace("value: 1.000", "value: 2"), "\xff"])
def test_a_broken_file_costs_no_other_one(shipped: Path, broken: str) -> None:
    (shipped / "a.yaml").write_bytes(broken.encode("latin-1", "replace"))
    assert device_types_sync() == 1
    (shipped / "acme_w1.yaml").write_text("")
    assert device_types_sync() == 0
    assert _in_force() == {"acme-w1": 1}


def test_every_shipped_type_can_be_entered(world: World) -> None:
    files = len(list(device_types._SHIPPED.glob("*.yaml")))
    assert device_types_sync() == files
    assert len(_in_force()) == files


def test_texts_of_the_universal_protocol_are_published_as_before(world: World) -> None:
    device_type = world.city.device_type
    text = '[universal.registers.9]\nreading_types = ["cold_water.volume"]\n'
    version = DeviceTypeVersion.objects.create(device_type=device_type, number=9, definition=text)
    device_type_version_publish(actor=None, version=version)
    with pytest.raises(ValidationError):
        device_type_version_publish(actor=None, version=version)
