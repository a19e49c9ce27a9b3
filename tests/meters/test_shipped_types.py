"""The device types that ship: sound, tested by telegrams, told apart on the air."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import meters
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_mbus
from ingestion.codecs.telegram import Telegram
from ingestion.codecs.wmbus import Formats, decode_wmbus
from ingestion.decoding import Arrival, CompiledType, compile_type, publishing_faults, run_tests
from ingestion.foreign.types import ForeignTypes, type_made
from meters.definition import read_definition
from meters.definition.registers import registers_of
from meters.management.commands.device_type_library import page_path, published_page
from meters.quantities import Resource

_FILES = sorted((Path(meters.__file__).parent / "devicetypes").glob("*.yaml"))
_VECTORS = Path(meters.__file__).parents[2] / "shared/vectors"
_MBUS_KINDS = {"mbus", "wmbus"}
# Telegrams of this file may be used for tests but not shipped; a few whose content only their
# makers could write anew stand in the types with their source.
_NOT_SHIPPED, _MOST_SHIPPED = "wmbus_wmbusmeters.json", 8
# Makers whose devices must be there, whatever else is.
_MAKERS = (
    "Kamstrup", "Itron", "Diehl", "Sensus", "Zenner", "Apator", "Techem", "Engelmann",
    "Landis+Gyr", "Elster", "Sontex", "Elvaco", "Axioma", "Qundis", "ABB", "Relay", "Aidon",
    "Kaifa", "Eastron", "Adeunis", "Dragino", "Milesight", "Shelly", "Tasmota", "EMU",
)  # fmt: skip


def _compiled() -> dict[str, CompiledType]:
    return {
        path.stem: compile_type(read_definition(path.read_text(encoding="utf-8"), name=path.name))
        for path in _FILES
    }


# They tell events; what else they say has no reading type, or is not known to be a register.
_EVENTS_ONLY = {
    "adeunis_analog",
    "adeunis_dc",
    "adeunis_dc_2",
    "adeunis_deltap",
    "adeunis_motion",
    "adeunis_repeater",
    "adeunis_tic_pme_pmi",
}


@pytest.fixture(scope="module")
def types() -> dict[str, CompiledType]:
    return _compiled()


@pytest.mark.parametrize("name", [path.stem for path in _FILES])
def test_each_is_sound(types: dict[str, CompiledType], name: str) -> None:
    """It could be published, names its sources, and is called what its file is called."""
    compiled = types[name]
    definition, results = compiled.definition, run_tests(compiled)
    assert [(one.name, one.differences) for one in results if not one.passed] == []
    assert publishing_faults(results) == []
    assert definition.type == name.replace("_", "-")
    assert definition.source
    assert definition.description
    assert bool(registers_of(definition)) == (name not in _EVENTS_ONLY)
    assert definition.events or name not in _EVENTS_ONLY
    assert [test.name for test in definition.tests if not test.refused and not test.source] == []


def test_there_are_forty_of_all_kinds_and_resources(types: dict[str, CompiledType]) -> None:
    definitions = [one.definition for one in types.values()]
    assert len(definitions) >= 40
    assert Counter(one.type for one in definitions).most_common(1)[0][1] == 1
    kinds = {one.decode.kind for one in definitions}
    assert kinds >= {"binary", "mbus", "wmbus", "cosem", "obis_text", "json", "modbus"}
    resources = {resource for one in definitions for resource in one.resource}
    assert resources >= {resource.value for resource in Resource}
    vendors = " ".join(one.vendor for one in definitions)
    assert [maker for maker in _MAKERS if maker not in vendors] == []


def test_the_page_of_the_library_is_as_the_files_are() -> None:
    assert page_path().read_text(encoding="utf-8") == published_page(), (
        "run manage.py device_type_library"
    )


def test_a_stale_page_is_told(tmp_path: Path, settings: Any) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs" / "device-types").mkdir(parents=True)
    with pytest.raises(CommandError, match="stale"):
        call_command("device_type_library", check=True)
    call_command("device_type_library", stdout=StringIO())
    call_command("device_type_library", check=True)
    assert "| Kamstrup | Multical 21" in page_path().read_text(encoding="utf-8")


def _published(name: str) -> dict[str, Any]:
    path = _VECTORS / name
    if not path.is_file():
        pytest.skip("the published vectors are not here")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _wireless() -> Iterator[tuple[str, Telegram]]:
    for vector in _published(_NOT_SHIPPED)["vectors"]:
        key = bytes.fromhex(vector["key"]) if vector["key"] else None
        formats = Formats()
        try:
            for frame in vector["frames"]:
                telegram = decode_wmbus(bytes.fromhex(frame["hex"]), key=key, formats=formats)
        except DecodeError:
            continue
        yield vector["driver"], telegram


def _wired() -> Iterator[tuple[str, Telegram]]:
    for vector in _published("mbus_libmbus.json")["valid_frames"]:
        yield vector["name"], decode_mbus(bytes.fromhex(vector["payload_hex"]))


def _names_makers(compiled: CompiledType) -> bool:
    identify = compiled.definition.identify
    return identify is not None and all("manufacturer" in row for row in identify.detect)


@pytest.mark.parametrize(("telegrams", "least"), [(_wireless, 190), (_wired, 24)])
def test_no_two_types_claim_a_telegram(
    types: dict[str, CompiledType], telegrams: Any, least: int
) -> None:
    """One type of its maker at most, and beside it one that names no maker."""
    mbus = [one for one in types.values() if one.definition.decode.kind in _MBUS_KINDS]
    detecting = [one for one in mbus if one.definition.identify and one.definition.identify.detect]
    known = 0
    for name, telegram in telegrams():
        hits = [one for one in detecting if one.recognises(telegram, Arrival())]
        makers = [one.definition.type for one in hits if _names_makers(one)]
        others = [one.definition.type for one in hits if not _names_makers(one)]
        assert len(makers) <= 1, (name, telegram.identity, makers)
        assert len(others) <= 1, (name, telegram.identity, others)
        known += len(makers)
    assert known >= least


def test_types_that_name_no_maker_are_asked_last(types: dict[str, CompiledType]) -> None:
    mbus = [one for one in types.values() if one.definition.decode.kind in _MBUS_KINDS]
    foreign = [
        type_made(place, place, one.definition.type, one.definition.text)
        for place, one in enumerate(reversed(mbus))
        if one.definition.identify and one.definition.identify.detect
    ]
    ordered = ForeignTypes(one for one in foreign if one is not None).all
    asked = [_names_makers(one.compiled) for one in ordered]
    assert asked == sorted(asked, reverse=True)
    assert {True, False} <= set(asked)


def test_each_type_claims_its_own_telegrams(types: dict[str, CompiledType]) -> None:
    """Its tests that are read are recognised by what it says of its devices."""
    for compiled in types.values():
        definition = compiled.definition
        if definition.decode.kind not in _MBUS_KINDS or not definition.identify:
            continue
        for test in definition.tests:
            if test.refused:
                continue
            key = bytes.fromhex(test.key) if test.key else None
            octets = bytes.fromhex(test.payload[-1])
            arrival = Arrival(keys={"encryption": key} if key else {}, memory={})
            telegram = compiled.decoder(octets, arrival)
            assert compiled.recognises(telegram, arrival), definition.type


def _payloads(compiled: CompiledType) -> Iterator[bytes]:
    """What its tests send; of telegrams that are refused, what is left of them."""
    for test in compiled.definition.tests:
        for payload in test.payload:
            yield bytes.fromhex(payload)


def test_telegrams_are_of_our_own_making(types: dict[str, CompiledType]) -> None:
    """All but a few are in no collection whose licence keeps it from shipping."""
    vectors = _published(_NOT_SHIPPED)["vectors"]
    kept = {bytes.fromhex(frame["hex"]) for vector in vectors for frame in vector["frames"]}
    mbus = [one for one in types.values() if one.definition.decode.kind in _MBUS_KINDS]
    sent = {payload for one in mbus for payload in _payloads(one)}
    found = {whole.hex() for whole in kept for payload in sent if whole.startswith(payload)}
    assert len(found) <= _MOST_SHIPPED, sorted(found)
    assert found, "the comparison finds what is known to stand there"
