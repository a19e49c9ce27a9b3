"""The ways to begin a device type: each makes the text of its first draft."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Company
from meters.definition import DefinitionError, wrap_payload_schema
from meters.definition.nodes import plain, read_nodes

from .access import zone_of
from .proposing import ProposalError, propose_definition
from .samples import ENCODINGS, SampleError, octets_of
from .tables import LARGEST_TABLE, Wishes, drafted, is_foreign, text_of_file
from .texts import code_of, with_key

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["MEASURED", "STARTERS", "StartForm", "Starter", "starter_text"]

_FOLDER = Path(__file__).parent / "starters"
_LARGEST_FILE = 262_144
_SCHEMA_KEYS = ("fields", "ports")
# What a table may be said to measure; `device` is what nothing else is.
MEASURED = ("electricity", "cold_water", "hot_water", "gas", "heat")


class Starter(NamedTuple):
    """A commented definition of one kind, in starters/."""

    kind: str
    title: str | _StrPromise
    description: str | _StrPromise


STARTERS: tuple[Starter, ...] = (
    Starter(
        "binary",
        gettext_lazy("Bytes in a fixed order"),
        gettext_lazy("LoRaWAN, NB-IoT, own protocols of makers"),
    ),
    Starter("mbus", gettext_lazy("M-Bus by wire"), gettext_lazy("EN 13757-2 and -3")),
    Starter("wmbus", gettext_lazy("Wireless M-Bus"), gettext_lazy("EN 13757-4, OMS")),
    Starter("cosem", gettext_lazy("DLMS/COSEM"), gettext_lazy("Pushes and HAN ports")),
    Starter("obis_text", gettext_lazy("P1 and IEC 62056-21"), gettext_lazy("Text with OBIS codes")),
    Starter(
        "nem",
        gettext_lazy("NEM12 and NEM13"),
        gettext_lazy("Files of the Australian electricity market"),
    ),
    Starter("json", gettext_lazy("JSON"), gettext_lazy("MQTT and HTTP devices")),
    Starter("senml", gettext_lazy("SenML"), gettext_lazy("RFC 8428, JSON and CBOR")),
    Starter("modbus", gettext_lazy("Modbus"), gettext_lazy("A map of registers")),
    Starter("blank", gettext_lazy("Blank"), gettext_lazy("The keys that every type needs")),
)
_KINDS = [starter.kind for starter in STARTERS]


def starter_text(kind: str) -> str:
    """The commented definition of a kind."""
    return (_FOLDER / f"{kind}.yaml").read_text(encoding="utf-8")


class StartForm(forms.Form):
    """What a new type is made from. `company` is asked for where there is a choice."""

    WAYS = ("template", "payload", "import")

    way = forms.ChoiceField(choices=[(way, way) for way in WAYS])
    company = forms.ModelChoiceField(
        label=gettext_lazy("Company"), queryset=Company.objects.none(), empty_label=None
    )
    code = forms.CharField(label=gettext_lazy("Code"), required=False, max_length=64)
    kind = forms.ChoiceField(choices=[(kind, kind) for kind in _KINDS], required=False)
    payload = forms.CharField(label=gettext_lazy("Telegram"), required=False, max_length=262_144)
    encoding = forms.ChoiceField(choices=[(one, one) for one in ENCODINGS], required=False)
    key = forms.CharField(label=gettext_lazy("Key"), required=False, max_length=200)
    file = forms.FileField(label=gettext_lazy("File"), required=False, allow_empty_file=True)
    table = forms.CharField(label=gettext_lazy("Table"), required=False, max_length=LARGEST_TABLE)
    resource = forms.ChoiceField(
        choices=[("", ""), *((one, one) for one in MEASURED)], required=False
    )
    endian = forms.ChoiceField(
        choices=[("", ""), ("big", "big"), ("little", "little")], required=False
    )

    def __init__(self, *args: Any, companies: list[Company], **options: Any) -> None:
        super().__init__(*args, **options)
        keys = [company.pk for company in companies]
        field: Any = self.fields["company"]
        field.queryset = Company.objects.filter(pk__in=keys).order_by("name")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "way" in data and not self.errors:
            try:
                data["definition"] = _WAYS[data["way"]](data)
            except (ProposalError, SampleError) as error:
                self.add_error("file" if data["way"] == "import" else "payload", str(error))
            except DefinitionError as error:
                self.add_error("file", ValidationError(error.messages))
        return data


def _from_template(data: dict[str, Any]) -> str:
    text = starter_text(data.get("kind") or "blank")
    code = code_of(data.get("code", ""))
    return with_key(text, "type", code) if code else text


def _from_payload(data: dict[str, Any]) -> str:
    octets = octets_of(data.get("payload", ""), data.get("encoding") or "auto")
    return propose_definition(
        octets,
        key=_key(data.get("key", "")),
        code=data.get("code", ""),
        zone=zone_of(data["company"]),
    )


def _key(text: str) -> bytes | None:
    try:
        key = bytes.fromhex("".join(text.split()))
    except ValueError:
        key = b"?"
    if key and len(key) not in {16, 24, 32}:
        raise SampleError(_("A key has 32, 48 or 64 hexadecimal digits."))
    return key or None


def _from_file(data: dict[str, Any]) -> str:
    """A definition as it is, a payload schema wrapped in one, or what a table becomes."""
    text, stem = _uploaded(data)
    if is_foreign(text):
        made = drafted(text, _wishes(data, stem))
        data["notes"] = made.notes
        return made.text
    text = wrap_payload_schema(text, name=stem) if _is_schema(text) else text
    code = code_of(data.get("code", ""))
    return with_key(text, "type", code) if code else text


def _uploaded(data: dict[str, Any]) -> tuple[str, str]:
    """The text of the file, or what was pasted instead; and the name of the file."""
    upload, pasted = data.get("file"), data.get("table", "")
    if upload is None:
        if not pasted.strip():
            raise ProposalError(_("Choose a file to import, or paste a table."))
        return pasted, ""
    if upload.size > _LARGEST_FILE:
        raise ProposalError(_("The file is larger than 256 kB; a definition is not."))
    return text_of_file(upload.read()), Path(upload.name or "").stem


def _wishes(data: dict[str, Any], stem: str) -> Wishes:
    return Wishes(stem, data.get("code", ""), data.get("resource", ""), data.get("endian", ""))


def _is_schema(text: str) -> bool:
    """DefinitionError where it is no YAML; the faults of a definition are shown in the editor."""
    root = plain(read_nodes(text, name="file"))
    return (
        isinstance(root, dict) and "decode" not in root and any(key in root for key in _SCHEMA_KEYS)
    )


_WAYS: dict[str, Callable[[dict[str, Any]], str]] = {
    "template": _from_template,
    "payload": _from_payload,
    "import": _from_file,
}
