"""Sensor Measurement Lists (RFC 8428), as JSON and as CBOR: the kind `senml`.

A pack is a list of records; base fields (name, time, unit, value, sum) hold for their record and
those behind it. Every record with a value becomes an item named by its own name (the base name
tells who speaks), `[1]`, `[2]` … added where a name comes again. Facts of an item: `name` (full),
`base`, `local`, `unit` as sent, and `time`, an instant; of LwM2M paths also `object`, `instance`
and `resource`, numbers. A sum is an item of its own, `x.sum`.
The tree has the same as `records`, a list.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from types import MappingProxyType
from typing import Any

from .cbor import read_cbor
from .errors import DecodeError
from .json_paths.text import Document, Held, Node, read_json
from .telegram import Item, Telegram, Value

__all__ = ["MAX_RECORDS", "decode_senml"]

MAX_RECORDS = 2048
_VERSION = 10
# A time below 2^28 counts from now, a later one from 1970 (RFC 8428, 4.5.3).
_ABSOLUTE_FROM = 1 << 28
_LAST_SECOND = 253_402_300_799
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# LwM2M 1.1 writes paths as names: /object/instance/resource, against the rule for the first letter.
_NAME = re.compile(r"/?[A-Za-z0-9][-A-Za-z0-9:./_]*")
_LWM2M_PATH = re.compile(r"(?:.*[^0-9])?/(\d{1,5})/(\d{1,5})/(\d{1,5})(?:/\d{1,5})?", re.ASCII)
_EXACT = Context(prec=200)
_LONGEST_RAW = 80
# Labels of CBOR (RFC 8428, table 4).
_CBOR_LABELS = {
    "-1": "bver",
    "-2": "bn",
    "-3": "bt",
    "-4": "bu",
    "-5": "bv",
    "-6": "bs",
    "0": "n",
    "1": "u",
    "2": "v",
    "3": "vs",
    "4": "vb",
    "5": "s",
    "6": "t",
    "7": "ut",
    "8": "vd",
}
# An object link of LwM2M, a text.
_LINK = "vlo"
_LABELS = frozenset(_CBOR_LABELS.values()) | {_LINK}
_VALUE_LABELS = ("v", "vs", "vb", "vd", _LINK)
_BASES = ("bn", "bt", "bu", "bv", "bs")
# Units of the SenML registry that are written otherwise here.
_UNITS = {
    "Cel": "°C",
    "l": "L",
    "l/s": "L/s",
    "%RH": "%",
    "%EL": "%",
    "/": "",
    "1": "",
    "count": "count",
}
_SUM_UNITS = {"W": "J", "A": "As", "var": "vars", "m3/s": "m3", "l/s": "L"}
_DEVICE = re.compile(
    r"urn:dev:(?:mac|ow|imei|os|ops|org):([^:/_]+(?:-[^:/_]+)*)[:/_]?.*", re.IGNORECASE
)


def decode_senml(octets: bytes, *, received_at: int | None = None) -> Telegram:
    """The records of a pack; DecodeError when it is none.

    `received_at` (seconds since 1970) is what relative times count from; without it they stay in
    the fact `seconds_from_arrival` and no item has a `time`.
    """
    with localcontext(_EXACT):
        pack = _Pack(octets, received_at)
        pack.read()
    return Telegram(
        kind="senml",
        octets=octets,
        items=tuple(pack.items),
        identity=MappingProxyType(_identity(pack.first_name)),
        warnings=tuple(pack.warnings),
        tree=MappingProxyType({"records": pack.records}),
    )


def _identity(name: str) -> dict[str, str]:
    """The first name, and the number in it where it is a device URN (RFC 9039)."""
    device = _DEVICE.fullmatch(name)
    return {"name": name, "device": device[1]} if device else {"name": name}


def _parsed(octets: bytes) -> tuple[Node, Callable[[Node], tuple[int, int]]]:
    """The tree and what gives a node's bytes; CBOR is known by its first byte, an array."""
    if octets and octets[0] >> 5 == 4:
        return _labelled(read_cbor(octets)), lambda node: (node.start, node.end)
    document: Document = read_json(octets)
    place = document.place
    return document.root, lambda node: (place(node.start), place(node.end))


def _labelled(root: Node) -> Node:
    if not isinstance(root.value, list):
        return root
    members = [
        Node({_CBOR_LABELS.get(key) or key: held for key, held in one.value.items()}, *one[1:])
        if isinstance(one.value, dict)
        else one
        for one in root.value
    ]
    return Node(members, root.start, root.end)


@dataclass(slots=True)
class _Pack:
    """A pack being read: base fields and what came of the records so far."""

    octets: bytes
    received_at: int | None
    first_name: str = ""
    base: dict[str, Node] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    spans: Callable[[Node], tuple[int, int]] = lambda node: (node.start, node.end)

    def read(self) -> None:
        root, self.spans = _parsed(self.octets)
        if not isinstance(root.value, list) or not root.value:
            raise DecodeError(0, "a pack is a list of at least one record")
        if len(root.value) > MAX_RECORDS:
            raise DecodeError(0, f"{len(root.value)} records, a pack may have {MAX_RECORDS}")
        for node in root.value:
            self.record(node)
        if not self.items:
            raise DecodeError(0, "no record has a value")

    def record(self, node: Node) -> None:
        record = node.value
        if not isinstance(record, dict):
            raise self.fault(node, "a record is an object")
        self.check_labels(record, node)
        self.base.update({label: record[label] for label in _BASES if label in record})
        values = [label for label in _VALUE_LABELS if label in record]
        if len(values) > 1:
            raise self.fault(node, f"two values in one record: {' and '.join(values)}")
        if values or "s" in record:
            self.resolved(record, values[0] if values else "", node)

    def check_labels(self, record: Mapping[str, Node], node: Node) -> None:
        for label in record.keys() - _LABELS:
            if label.endswith("_"):
                raise self.fault(record[label], f"{label[:40]!r} must be understood, and is not")
            warning = f"the unknown field {label[:40]!r} was passed over"
            if warning not in self.warnings:
                self.warnings.append(warning)
        version = record.get("bver")
        if version is not None and not _is_known(version.value):
            raise self.fault(version, f"version {version.value} of SenML, {_VERSION} is known")

    def resolved(self, record: Mapping[str, Node], label: str, node: Node) -> None:
        facts = self.facts(record, node)
        entry: dict[str, Any] = {**facts}
        unit = _UNITS.get(facts["unit"], facts["unit"])
        local = facts["local"] or facts["name"]
        if label:
            value, formula = self.value(record[label], label)
            entry["value"] = value
            self.item(local, value, unit, record[label], formula, facts)
        if "s" in record:
            value, formula = self.sum_of(record["s"], "bs")
            entry["sum"] = value
            summed = _SUM_UNITS.get(facts["unit"], f"{unit}·s" if unit else "s")
            self.item(f"{local}.sum", value, summed, record["s"], formula, {**facts, "sum": True})
        self.records.append(entry)

    def facts(self, record: Mapping[str, Node], node: Node) -> dict[str, Any]:
        base = self.text(self.base["bn"], "bn") if "bn" in self.base else ""
        local = self.text(record["n"], "n") if "n" in record else ""
        if not _NAME.fullmatch(base + local):
            raise self.fault(
                record.get("n", node), f"{(base + local)[:60]!r} is not a name of SenML"
            )
        unit = record.get("u", self.base.get("bu"))
        self.first_name = self.first_name or base or local
        facts: dict[str, Any] = {"name": base + local, "base": base, "local": local}
        facts["unit"] = self.text(unit, "u") if unit else ""
        path = _LWM2M_PATH.fullmatch(base + local)
        if path:
            facts |= zip(("object", "instance", "resource"), map(int, path.groups()), strict=True)
        facts |= self.time(record, node)
        if "ut" in record:
            facts["update_time"] = self.number(record["ut"], "ut")
        return facts

    def time(self, record: Mapping[str, Node], node: Node) -> dict[str, Any]:
        parts = [self.base.get("bt"), record.get("t")]
        seconds = Decimal(sum(self.number(part, "t") for part in parts if part))
        if abs(seconds) > _LAST_SECOND:
            raise self.fault(record.get("t", node), f"no time is {seconds} seconds away")
        if seconds < _ABSOLUTE_FROM:
            if self.received_at is None:
                return {"seconds_from_arrival": seconds}
            seconds += self.received_at
        if not 0 <= seconds <= _LAST_SECOND:
            raise self.fault(record.get("t", node), f"no time is {seconds} seconds after 1970")
        return {"time": _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))}

    def value(self, node: Node, label: str) -> tuple[Value, str]:
        if label == "v":
            return self.sum_of(node, "bv")
        return _READERS[label](self, node), ""

    def sum_of(self, node: Node, base_label: str) -> tuple[Value, str]:
        number = self.number(node, "a value")
        base = self.base.get(base_label)
        if base is None:
            return number, ""
        added = self.number(base, base_label)
        return number + added, f"+ {added}"

    def item(
        self, name: str, value: Value, unit: str, node: Node, formula: str, facts: dict[str, Any]
    ) -> None:
        again = self.names.get(name, 0)
        self.names[name] = again + 1
        start, end = self.spans(node)
        self.items.append(
            Item(
                name=f"{name}[{again}]" if again else name,
                value=value,
                unit=unit,
                start=start,
                end=end,
                raw=_raw(self.octets[start : min(end, start + _LONGEST_RAW)]),
                formula=formula,
                facts=facts,
            )
        )

    def number(self, node: Node, what: str) -> Decimal | int:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.fault(node, f"{what} is not a number")
        return value

    def text(self, node: Node, what: str) -> str:
        if not isinstance(node.value, str):
            raise self.fault(node, f"{what} is not a text")
        return node.value

    def words(self, node: Node) -> str:
        return self.text(node, "vs or vlo")

    def truth(self, node: Node) -> bool:
        if not isinstance(node.value, bool):
            raise self.fault(node, "vb is neither true nor false")
        return node.value

    def data(self, node: Node) -> bytes:
        held: object = node.value
        if isinstance(held, bytes):
            return held
        text = self.text(node, "vd")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.fault(node, "vd is not base64url") from error

    def fault(self, node: Node, reason: str) -> DecodeError:
        return DecodeError(max(self.spans(node)[0], 0), reason)


_READERS: dict[str, Callable[[_Pack, Node], Value]] = {
    "vs": _Pack.words,
    _LINK: _Pack.words,
    "vb": _Pack.truth,
    "vd": _Pack.data,
}


def _is_known(version: Held) -> bool:
    return isinstance(version, int) and not isinstance(version, bool) and version <= _VERSION


def _raw(octets: bytes) -> str:
    """What stood there, for people: text as it is, bytes of CBOR in hex."""
    text = octets.decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else octets.hex(" ")
