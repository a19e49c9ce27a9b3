"""Mappings of ThingsBoard that are data: files of its gateway's connectors, profiles of LwM2M devices.

Taken are, after the public documentation of ThingsBoard: the Modbus connector (`master.slaves[]`
with `timeseries` and `attributes` of tag, type, functionCode, objectsCount, address, divider,
multiplier); the MQTT and the request connector (`mapping[]`, of later versions `dataMapping[]`,
with a converter of type json: `timeseries`, `telemetry` and `attributes` of type, key, value
"${path}"); a device profile with a transport configuration of type LWM2M (`observeAttr.keyName`:
path of a resource → key).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from ..proposing import ProposalError
from .cells import Form, Scale, unit_told
from .describing import Told, UnclearError
from .drafting import Draft, Wishes
from .meanings import words_of
from .path_layout import Located, jmespath_of, path_lines
from .register_layout import Register, register_lines, wire_form

__all__ = ["thingsboard_draft"]

_Read = TypeVar("_Read")

_MOST = 500
_LISTS = ("timeseries", "telemetry", "attributes")
# Types of the Modbus connector → form on the wire; strings and bits have their size in objects.
_MODBUS = {
    **{f"{bits}int": Form("s", bits // 8) for bits in (16, 32, 64)},
    **{f"{bits}uint": Form("u", bits // 8) for bits in (16, 32, 64)},
    **{f"{bits}float": Form("f", bits // 8) for bits in (32, 64)},
    **dict.fromkeys(("int", "short"), Form("s", 2)),
    **dict.fromkeys(("uint",), Form("u", 2)),
    **dict.fromkeys(("float",), Form("f", 4)),
    "double": Form("f", 8),
    "string": Form("ascii"),
    "bits": Form("bool"),
    "bit": Form("bool"),
}
_JSON = {"double": "f", "integer": "s", "int": "s", "long": "s", "boolean": "bool", "bool": "bool",
         "string": "", "raw": ""}  # fmt: skip
# Words at the end of a key that tell the unit, as people call their keys: voltage_v, energyKwh.
_ENDINGS = {
    "kwh": "kWh", "wh": "Wh", "kw": "kW", "w": "W", "v": "V", "mv": "mV", "a": "A", "hz": "Hz",
    "m3": "m3", "l": "L", "liters": "L", "litres": "L", "celsius": "°C", "percent": "%", "dbm": "dBm",
    "kvarh": "kvarh", "bar": "bar",
}  # fmt: skip
_RESOURCE_PATH = re.compile(r"/(\d{1,5})(?:_[\d.]+)?/(\d{1,5})/(\d{1,5})(?:/\d{1,5})?")
# LwM2M object and resource → unit that the registry fixes, for objects that meters report.
_LWM2M = {
    (3, 9): "%", (3, 7): "mV", (4, 2): "dBm", (3424, 1): "m3", (3423, 1): "m3", (3331, 5700): "Wh",
    (3305, 5805): "Wh", (3305, 5800): "W", (3316, 5700): "V", (3317, 5700): "A", (3318, 5700): "Hz",
    (3303, 5700): "°C", (3304, 5700): "%", (3323, 5700): "Pa", (10257, 5805): "Wh", (10257, 20): "m3",
}  # fmt: skip
_OBJECTS = {3424: "cold_water", 3423: "gas", 3421: "electricity", 3305: "electricity",
            3316: "electricity", 3317: "electricity", 3331: "electricity", 10257: "heat"}  # fmt: skip


class _Lines:
    """Where names stand in the text of the file, each looked for behind the one before it."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1

    def of(self, name: Any) -> int:
        at = self._text.find(f'"{name}"', self._at) if isinstance(name, str) else -1
        if at < 0:
            return self._line
        self._line += self._text.count("\n", self._at, at)
        self._at = at + 1
        return self._line


def thingsboard_draft(root: Any, text: str, wishes: Wishes) -> Draft | None:
    """None where it is no file of ThingsBoard. ProposalError for one that says no mapping."""
    if isinstance(root, list) and _entries(root, "tag"):
        root = {"master": {"slaves": [{"timeseries": root}]}}
    if not isinstance(root, dict):
        return None
    lines = _Lines(text)
    for finds, makes in _FILES:
        found = finds(root)
        if found:
            return makes(found, root, lines, wishes)
    _check_profile(root)
    return None


def _check_profile(root: dict[str, Any]) -> None:
    """ProposalError for a profile that has no mapping."""
    transport = _dig(root, "profileData", "transportConfiguration") or root.get(
        "transportConfiguration"
    )
    if isinstance(transport, dict):
        values = {"sort": str(transport.get("type") or root.get("transportType") or "")[:40]}
        text = _(
            "The profile is of the transport “%(sort)s” and says only where telegrams come, not what "
            "is in them. Paste one of the telegrams instead."
        )
        raise ProposalError(text % values)


def _dig(root: Any, *names: str) -> Any:
    for name in names:
        root = root.get(name) if isinstance(root, dict) else None
    return root


def _entries(found: Any, key: str) -> list[dict[str, Any]]:
    rows = found[:_MOST] if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict) and key in row]


# --- Modbus -------------------------------------------------------------------------------------


def _slaves(root: dict[str, Any]) -> list[dict[str, Any]]:
    slaves = _dig(root, "master", "slaves") or _dig(root, "server", "slaves") or root.get("slaves")
    if not isinstance(slaves, list):
        slaves = [root]
    rows = [one for one in slaves[:_MOST] if isinstance(one, dict)]
    return [one for one in rows if any(_entries(one.get(name), "tag") for name in _LISTS)]


def _modbus(
    slaves: list[dict[str, Any]], _root: dict[str, Any], lines: _Lines, wishes: Wishes
) -> Draft:
    slave = slaves[0]
    name = wishes.name or str(slave.get("deviceType") or slave.get("deviceName") or "")
    draft = Draft("modbus", wishes._replace(name=name))
    if len(slaves) > 1:
        text = _("The file has %(count)d devices: this is the first of them, “%(name)s”.")
        draft.note(0, text % {"count": len(slaves), "name": slave.get("deviceName", "")}, lost=True)
    registers = list(_understood(slave, "tag", _register, lines, draft))
    draft.speaks_of("", [one.told for one in registers])
    order = wishes.endian or (
        "little" if str(slave.get("wordOrder", "")).upper() == "LITTLE" else "big"
    )
    register_lines(draft, registers, word_order=order)
    if str(slave.get("byteOrder", "")).upper() == "LITTLE":
        draft.layout.insert(2, "byte_order: little")
    return draft


def _understood(
    mapping: dict[str, Any],
    named: str,
    read: Callable[[dict[str, Any], int], _Read],
    lines: _Lines,
    draft: Draft,
) -> Iterator[_Read]:
    """What each entry of a mapping's lists says; a note in the draft where that is not clear.

    named: the key that an entry is called by.
    """
    for row in (row for name in _LISTS for row in _entries(mapping.get(name), named)):
        line = lines.of(row[named])
        try:
            yield read(row, line)
        except UnclearError as error:
            draft.note(line, f"“{row[named]}”: {error}"[:190])


def _register(row: dict[str, Any], line: int) -> Register:
    sort = str(row.get("type", "")).lower()
    form = _MODBUS.get(sort)
    if form is None:
        raise UnclearError(_("the type “%(type)s” is not known") % {"type": sort[:40]})
    address, function = row.get("address", -1), row.get("functionCode", 3)
    if not _is_whole(address, 0, 65_535):
        raise UnclearError(
            _("“%(text)s” is no address of a register") % {"text": str(address)[:40]}
        )
    if not _is_whole(function, 1, 4):
        raise UnclearError(_("its function writes; only reading ones are taken"))
    count = row.get("objectsCount", 1)
    if not _is_whole(count, 1, 125):
        raise UnclearError(_("its size is not understood"))
    scale = Scale(mult=_number(row.get("multiplier")), div=_number(row.get("divider")))
    told = _told(line, str(row["tag"]), form, scale)
    # The gateway's own samples give a 16-bit value two objects: the type counts.
    words = count if form.letter == "ascii" else 0
    return Register(told, Form("bool", 2) if form.letter == "bool" else wire_form(told, words),
                    address, function)  # fmt: skip


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: Any) -> Decimal:
    """A factor; left out and null are 1."""
    try:
        number = Decimal(str(1 if value is None else value))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or not number or abs(number.adjusted()) > 12:
        raise UnclearError(_("the scale “%(text)s” is not understood") % {"text": str(value)[:40]})
    return number


def _told(line: int, label: str, form: Form | None, scale: Scale = Scale()) -> Told:  # noqa: B008
    return Told(line, label[:80], form, scale, _unit_of(label), "", [])


def _unit_of(label: str) -> str:
    """What the key itself tells: `Voltage (V)`, `energy_kwh`. A word alone tells nothing."""
    words = words_of(label).split()
    return unit_told(label) or (_ENDINGS.get(words[-1], "") if len(words) > 1 else "")


# --- JSON over MQTT or HTTP -----------------------------------------------------------------------


def _mappings(root: dict[str, Any]) -> list[dict[str, Any]]:
    rows = root.get("mapping") or root.get("dataMapping")
    found = [row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)]
    return [row for row in found[:_MOST] if isinstance(row.get("converter"), dict)]


def _json(
    mappings: list[dict[str, Any]], _root: dict[str, Any], lines: _Lines, wishes: Wishes
) -> Draft:
    declared = [one for one in mappings if one["converter"].get("type") == "json"]
    if not declared:
        raise ProposalError(
            _(
                "The converters of this file are programs or read bare bytes: neither says what a "
                "value is. Take the maker's table of bytes, or paste a telegram."
            )
        )
    mapping, converter = declared[0], declared[0]["converter"]
    title = wishes.name or str(_dig(converter, "deviceInfo", "deviceProfileExpression") or "")
    draft = Draft("json", wishes._replace(name=title))
    if len(mappings) > 1:
        text = _("The file has %(count)d mappings: this is the one of “%(topic)s”.")
        topic = str(mapping.get("topicFilter") or mapping.get("url") or "")
        draft.note(0, text % {"count": len(mappings), "topic": topic}, lost=True)
    _identify(draft, mapping, converter)
    found = list(_understood(converter, "key", _value, lines, draft))
    path_lines(draft, found)
    return draft


def _value(row: dict[str, Any], line: int) -> Located:
    label, expression = str(row["key"]), str(row.get("value", ""))
    found = re.fullmatch(r"\$\{([^{}]{1,200})\}", expression.strip())
    if found is None:
        values = {"text": expression[:40]}
        raise UnclearError(_("“%(text)s” is not one value of the document") % values)
    sort = str(row.get("type", "raw")).lower()
    if sort not in _JSON:
        raise UnclearError(_("the type “%(type)s” is not known") % {"type": sort[:40]})
    letter = _JSON[sort]
    return Located(_told(line, label, Form(letter) if letter else None), jmespath_of(found[1]))


def _identify(draft: Draft, mapping: dict[str, Any], converter: dict[str, Any]) -> None:
    """From the topic or from the document, where it is one name that tells the device."""
    info = converter.get("deviceInfo")
    told = (
        info.get("deviceNameExpression")
        if isinstance(info, dict)
        else converter.get("deviceNameJsonExpression")
    )
    topic = mapping.get("topicFilter")
    draft.identify = [f"transport: {'mqtt' if topic else 'http'}"]
    within = re.fullmatch(r"\$\{([A-Za-z_][\w.]{0,80})\}", str(told or ""))
    if within:
        draft.layout.append(f"identity: {{device: {within[1]}}}")
        draft.identify.append("device: $identity.device")
        return
    if isinstance(topic, str) and re.fullmatch(r"[\w./-]*\+[\w./-]*", topic) and len(topic) < 200:
        draft.identify += [f"topic: '{topic.replace('+', '{device}', 1)}'", "device: $topic.device"]
        return
    draft.identify.append("device: $arrival.device")


# --- LwM2M --------------------------------------------------------------------------------------


def _observed(root: dict[str, Any]) -> dict[str, Any]:
    transport = (
        _dig(root, "profileData", "transportConfiguration")
        or root.get("transportConfiguration")
        or root
    )
    names = _dig(transport, "observeAttr", "keyName")
    return {"names": names, **transport["observeAttr"]} if isinstance(names, dict) and names else {}


def _lwm2m(observed: dict[str, Any], root: dict[str, Any], lines: _Lines, wishes: Wishes) -> Draft:
    draft = Draft("senml", wishes._replace(name=wishes.name or str(root.get("name") or "")))
    draft.identify = ["transport: [mqtt, http, udp]", "device: $identity.device"]
    told = observed.get("telemetry")
    wanted = {one for one in told if isinstance(one, str)} if isinstance(told, list) else set()
    objects: set[int] = set()
    for path, label in list(observed["names"].items())[:_MOST]:
        line = lines.of(path)
        found = _RESOURCE_PATH.fullmatch(str(path))
        if found is None or not isinstance(label, str):
            draft.note(line, _("“%(text)s” is no path of a resource") % {"text": str(path)[:40]})
        elif wanted and path not in wanted:
            draft.note(
                line,
                _("“%(key)s” is kept as an attribute, it is no telemetry") % {"key": label[:60]},
            )
        else:
            objects.add(int(found[1]))
            _resource_read(draft, label, found, line, wishes)
    return draft


def _resource_read(
    draft: Draft, label: str, found: re.Match[str], line: int, wishes: Wishes
) -> None:
    """A reading of one resource; the object tells what it is of."""
    number, instance, resource = int(found[1]), int(found[2]), int(found[3])
    draft.resource = wishes.resource or _OBJECTS.get(number, draft.resource)
    unit = _LWM2M.get((number, resource)) or _unit_of(label)
    before = len(draft.readings)
    source = f"match: {{object: {number}, instance: {instance}, resource: {resource}}}"
    draft.read(label, unit, source, extra=", at: {fact: time}", line=line)
    if len(draft.readings) == before:
        text = _("“%(key)s” (/%(path)s): its unit is not known, choose its reading")
        draft.note(line, text % {"key": label[:60], "path": f"{number}/{instance}/{resource}"})


_FILES: tuple[tuple[Callable[[dict[str, Any]], Any], Callable[..., Draft]], ...] = (
    (_observed, _lwm2m),
    (_mappings, _json),
    (_slaves, _modbus),
)
