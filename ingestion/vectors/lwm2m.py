"""Published LwM2M objects: whether a value of every resource is carried by SenML with its unit.

The file publishes objects, not messages, so for every resource that can be read one record is made
as LwM2M 1.1 has it (base name /object/0/, name the resource's number), in JSON and in CBOR, with a
value of the published type. An object is equal when each comes out under its path, with its value,
and with a unit that readings can be converted from; a resource whose published unit is none of
SenML or LwM2M is told in the detail and makes it different.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import cbor2

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.senml import decode_senml
from ingestion.codecs.telegram import Telegram
from ingestion.decoding.units import find_unit

from .outcomes import DIFFERENT, EQUAL, Outcome

__all__ = ["compare"]

# Published type → label of SenML and a value. An executable resource has no type.
_VALUES: Mapping[str, tuple[str, Any]] = {
    "Float": ("v", 1234.5),
    "Integer": ("v", 42),
    "Time": ("v", 1_700_000_000),
    "Unsigned Integer": ("v", 43),
    "Boolean": ("vb", True),
    "String": ("vs", "text"),
    "Opaque": ("vd", "AQID"),
    "Objlnk": ("vlo", "3:0"),
    "Corelnk": ("vs", "</3/0>"),
}
_OPAQUE = b"\1\2\3"
_CBOR_LABELS = {"bn": -2, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "vd": 8}
# Units of angle and ratio, which no reading has but which are units of SenML all the same.
_OTHER_UNITS = frozenset({"deg", "/100", ""})


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome an object."""
    for published in vector_file.get("objects", ()):
        name = f"{published['object_id']} {published['name']}"
        faults = [fault for one in _readable(published) for fault in _faults(published, one)]
        yield Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _readable(published: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (one for one in published["resources"] if "R" in one.get("op", "") and one.get("type"))


def _faults(published: Mapping[str, Any], resource: Mapping[str, Any]) -> Iterator[str]:
    label, value = _VALUES[resource["type"]]
    base, local = f"/{published['object_id']}/0/", str(resource["id"])
    record = {"bn": base, "n": local, label: value}
    if resource.get("units"):
        record["u"] = resource["units"]
    told = f"{resource['id']} {resource['name']}"
    for octets in (json.dumps([record]).encode(), _in_cbor(record)):
        try:
            telegram = decode_senml(octets)
        except DecodeError as error:
            yield f"{told}: {error}"
        else:
            yield from _differences(telegram, told, base + local, resource, value)


def _in_cbor(record: Mapping[str, Any]) -> bytes:
    labelled = {_CBOR_LABELS.get(label, label): value for label, value in record.items()}
    if "vd" in record:
        labelled[_CBOR_LABELS["vd"]] = _OPAQUE
    return cbor2.dumps([labelled])


def _differences(
    telegram: Telegram, told: str, path: str, resource: Mapping[str, Any], value: Any
) -> Iterator[str]:
    (item,) = telegram.items
    if item.facts["name"] != path:
        yield f"{told}: came under {item.facts['name']}"
    if item.value != (_OPAQUE if resource["type"] == "Opaque" else value):
        yield f"{told}: came as {item.value!r}"
    if item.unit not in _OTHER_UNITS and find_unit(item.unit) is None:
        yield f"{told}: no reading can be in {item.unit}"
