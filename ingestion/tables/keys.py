"""Keys of modules from a maker's list: read in, checked and stored sealed; repeated nowhere.

A row names a module by serial number or device id, the kind of key, and the key in hexadecimal or
base64. What is reported of a row is its number, the column and the reason, never a cell.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.crypto import CryptoError
from config.lib.tables.columns import Column, Table
from config.lib.tables.report import Change
from hierarchy.tables.plan import Entry, Layout, Plan, Stage
from hierarchy.tables.resources import TableResource
from ingestion.codecs.claim import SECRET_BYTES, read_secret, secret_text
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal_frame import Key, device_id, device_label
from ingestion.errors import IngestionError
from ingestion.keys import KEY_BYTES, check_value, key_open
from ingestion.models import Claim, ModuleKey
from ingestion.services.keys import KeyEntry, claim_enter, module_keys_enter
from meters.models import TelemetryModule
from meters.tables.devices import batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from config.lib.tables.lines import Line
    from hierarchy.tables.exporting import Export

__all__ = ["KeyResource"]

_CLAIM = "claim"
_SELECTORS = {"a": ModuleKey.Selector.A, "b": ModuleKey.Selector.B}
_KINDS = (
    ("a", gettext_lazy("key A")),
    ("b", gettext_lazy("key B")),
    (_CLAIM, gettext_lazy("claim secret")),
)
_COLUMNS = (
    Column(
        name="module",
        heading=gettext_lazy("telemetry module (serial number)"),
        dbf="MODULE",
        example="0004A30B001C0530",
    ),
    Column(
        name="device",
        heading=gettext_lazy("device id (network address)"),
        dbf="DEVICE",
        example="RDO-0000000001",
    ),
    Column(
        name="kind",
        heading=gettext_lazy("kind of key"),
        dbf="KIND",
        kind="choice",
        choices=_KINDS,
        example="a",
    ),
    Column(
        name="key",
        heading=gettext_lazy("key"),
        dbf="KEY",
        needed=True,
        example="000102030405060708090A0B0C0D0E0F",
    ),
)
_LAYOUT = Layout(
    Table("keys", gettext_lazy("module keys"), _COLUMNS, secret=True),
    {"keys": {column.name: column.name for column in _COLUMNS}},
)
_SEPARATORS = re.compile(r"[\s:-]+")
_HEX = re.compile(r"[0-9A-Fa-f]{32}")
# A spreadsheet keeps fifteen digits of a number, and writes zeros for the others.
_NUMBER = re.compile(r"[0-9]{15,17}0{15,17}")


class _Wish(NamedTuple):
    """What a row wants stored."""

    module: TelemetryModule
    kind: str
    key: bytes


class KeyStage(Stage):
    """Modules are found among those the actor may change; a key that is there already stays."""

    name = "keys"
    title = gettext_lazy("module keys")
    model = ModuleKey
    identity = ("module",)

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._by_serial: dict[str, list[TelemetryModule]] = defaultdict(list)
        self._by_device: dict[str, list[TelemetryModule]] = defaultdict(list)
        self._keys: dict[tuple[int, int], ModuleKey] = {}
        self._claims: dict[int, Claim] = {}
        self._rows: dict[tuple[int, str], int] = {}
        self._wishes: list[_Wish] = []

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry:
        entry = Entry(line, columns, merges)
        self.entries.append(entry)
        return entry

    def load(self) -> None:
        rows = TelemetryModule.objects.all()
        if self.plan.actor is not None:
            rows = rows.visible_to(self.plan.actor, "change")
        rows = rows.filter(company=self.plan.company)
        for serials in batches(sorted(self._told("module"))):
            for module in rows.filter(serial__in=serials):
                self._by_serial[module.serial].append(module)
        for addresses in batches(sorted({_label(text) for text in self._told("device")})):
            for module in rows.filter(address__in=addresses):
                self._by_device[module.address].append(module)
        self._load_keys()

    def _told(self, name: str) -> set[str]:
        return {entry.get(name) for entry in self.entries} - {None}

    def _load_keys(self) -> None:
        found = [*self._by_serial.values(), *self._by_device.values()]
        modules = {module.pk for several in found for module in several}
        for keys in batches(sorted(modules)):
            live = ModuleKey.objects.filter(module__in=keys).exclude(state=ModuleKey.State.RETIRED)
            self._keys |= {(row.module_id, row.selector): row for row in live}
            self._claims |= {row.module_id: row for row in Claim.objects.filter(module__in=keys)}

    def resolve(self) -> None:
        for entry in self.firsts():
            module = self._module(entry)
            key = None if module is None else self._key(entry, module)
            if module is not None and key is not None:
                self._accept(entry, _Wish(module, entry.get("kind", "a"), key))

    def _module(self, entry: Entry) -> TelemetryModule | None:
        """The one module that all cells of the row mean; None after it was reported."""
        serial, device = entry.get("module"), entry.get("device")
        if serial is None and device is None:
            entry.fail("module", _("Give the serial number of the module, or its device id."))
            return None
        found = self._by_serial.get(serial, []) if serial is not None else None
        if device is not None:
            named = self._by_device.get(_label(device), [])
            found = named if found is None else [one for one in found if one in named]
        if found and len(found) == 1:
            return found[0]
        column = "module" if serial is not None else "device"
        entry.fail(column, _several(device) if found else _nobody(serial, device))
        return None

    def _key(self, entry: Entry, module: TelemetryModule) -> bytes | None:
        text = entry.get("key")
        try:
            if text is None:
                raise IngestionError(_("The key is missing."))
            if entry.get("kind") == _CLAIM:
                return _claim_of(text, module)
            return _key_of(text)
        except IngestionError as error:
            entry.fail("key", str(error))
            return None

    def _accept(self, entry: Entry, wish: _Wish) -> None:
        first = self._rows.setdefault((wish.module.pk, wish.kind), entry.line.number)
        if first != entry.line.number:
            text = _("Row %d gives the same module a key of this kind.")
            entry.fail("key", text % first)
            return
        before = self._stored(wish)
        counts = self.plan.report.counts[self.name]
        if before == wish.key:
            if wish.kind == _CLAIM and self._claims[wish.module.pk].spent_at is not None:
                entry.fail("key", _("This secret is spent: a module is claimed only once."))
                return
            counts.unchanged += 1
            return
        counts.new += before is None
        counts.changed += before is not None
        self._wishes.append(wish)
        self._show(entry, wish, before)

    def _stored(self, wish: _Wish) -> bytes | None:
        """The key of this kind that the module has; one that can't be opened equals no other."""
        claims = wish.kind == _CLAIM
        selector = int(Key.CLAIM if claims else _SELECTORS[wish.kind])
        row: ModuleKey | Claim | None = (
            self._claims.get(wish.module.pk)
            if claims
            else self._keys.get((wish.module.pk, selector))
        )
        if row is None:
            return None
        try:
            return key_open(bytes(row.sealed), module_id=wish.module.pk, selector=selector)
        except CryptoError:
            return b""

    def _show(self, entry: Entry, wish: _Wish, before: bytes | None) -> None:
        """The first changes, with check values in the place of keys."""
        if not self.plan.report.wants_changes(self._noun):
            return
        kinds = dict(_KINDS)
        fields = [(_("kind of key"), "", str(kinds[wish.kind]))]
        if wish.kind != _CLAIM:
            old = check_value(before) if before else ""
            fields.append((_("check value"), old, check_value(wish.key)))
        line, module = entry.line, str(wish.module)
        is_new = before is None
        self.plan.report.add_change(
            Change(line.sheet, line.number, self._noun, module, is_new, tuple(fields))
        )

    def write(self) -> None:
        actor = self.plan.actor
        keys = [
            KeyEntry(wish.module, _SELECTORS[wish.kind], wish.key)
            for wish in self._wishes
            if wish.kind != _CLAIM
        ]
        if keys:
            module_keys_enter(actor=actor, entries=keys)
        for wish in self._wishes:
            if wish.kind == _CLAIM:
                text = secret_text(device_id(wish.module.address), wish.key)
                claim_enter(actor=actor, module=wish.module, secret=text)


def _label(text: str) -> str:
    """A device id as modules have it for an address; another address as it is."""
    try:
        return device_label(device_id(text))
    except ValueError:
        return text


def _several(device: str | None) -> str:
    if device is None:
        return _("Several modules have this serial number. Give the device id too.")
    return _("Several modules have this device id. Give the serial number too.")


def _nobody(serial: str | None, device: str | None) -> str:
    if serial is not None and device is not None:
        return _("No module of the company has this serial number and this device id.")
    if serial is not None:
        return _("No module of the company has this serial number.")
    return _("No module of the company has this device id.")


def _key_of(text: str) -> bytes:
    bare = _SEPARATORS.sub("", text)
    if _NUMBER.fullmatch(bare):
        raise IngestionError(
            _("The spreadsheet took the key for a number and lost digits. Make the column text.")
        )
    key = bytes.fromhex(bare) if _HEX.fullmatch(bare) else _of_base64(text)
    if key is None or len(key) != KEY_BYTES:
        raise IngestionError(_("A key has 32 hexadecimal digits, or it is 16 bytes in base64."))
    if not any(key):
        raise IngestionError(_("A key is not all zeros."))
    return key


def _of_base64(text: str) -> bytes | None:
    bare = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _claim_of(text: str, module: TelemetryModule) -> bytes:
    """A claim secret as printed, with its check symbols, or its bytes like a key."""
    try:
        device = device_id(module.address)
    except ValueError as error:
        raise IngestionError(
            _("The module has no address of the form ABC-0000000001, which a claim needs.")
        ) from error
    try:
        return read_secret(device, text)
    except DecodeError:
        pass
    if len(_SEPARATORS.sub("", text)) in _RAW_LENGTHS:
        return _key_of(text)
    raise IngestionError(_("The claim secret was mistyped, or it is printed on another module."))


# Symbols of 16 bytes in hexadecimal, and in base64 with and without its padding.
_RAW_LENGTHS = {2 * SECRET_BYTES, 24, 22}


class KeyResource(TableResource):
    """Keys come in and never go out."""

    label = gettext_lazy("Module keys")
    layouts = (_LAYOUT,)
    stages = (KeyStage,)
    exports: ClassVar[Sequence[Export]] = ()
