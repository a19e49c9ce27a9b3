"""What a text is that somebody imports, and the draft that it becomes."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from ..proposing import ProposalError
from .byte_layout import byte_draft
from .channel_layout import channel_draft
from .drafting import Draft, Note, Wishes
from .grid import grid_of, separator_of
from .headings import Table, table_of
from .path_layout import path_draft
from .register_layout import register_draft
from .thingsboard import thingsboard_draft

__all__ = ["Imported", "drafted", "is_foreign"]

# A line that a definition, or a payload schema, has at its margin.
_YAML = re.compile(r"(?m)^[\"']?(type|decode|kind|fields|ports|definitions|format|readings|tests|"
                   r"test_vectors)[\"']?\s*:(\s|$)")  # fmt: skip
_PROGRAM = re.compile(
    r"(?m)\bfunction[ \t]*\w*[ \t]*\([^)\n]{0,200}\)\s{0,9}\{|=>[ \t]*[{(]|"
    r"^[ \t]*(var|let|const)[ \t]+\w+[ \t]*=|\bmodule\.exports\b|"
    r"\b(decodeUplink|Decoder?|decodeToJson)[ \t]*\(|^[ \t]*(def|class)[ \t]+\w+.{0,200}:[ \t]*$|"
    r"^[ \t]*#include\b|^[ \t]*import[ \t]+[\w.]+[ \t]*$|^[ \t]*from[ \t]+\S{1,80}[ \t]+import\b|"
    r"\breturn[ \t]+\w.{0,200};[ \t]*$"
)
# Codec files of The Things Network name a program.
_POINTER = re.compile(r"(?m)^(uplinkDecoder|downlinkEncoder|downlinkDecoder)\s*:")
_KEY = re.compile(
    r"(?:[ \t]*(?:#[^\n]*|---[^\n]*)?\n){0,200}[\"']?[A-Za-z_][\w-]{0,60}[\"']?\s*:(\s|$)"
)
_LINES_LOOKED_AT = 200
_SCRIPT_KEYS = (
    "decoder",
    "tbelDecoder",
    "uplinkDecoder",
    "script",
    "extension",
    "formatterParameter",
)


class Imported(NamedTuple):
    """The text of a definition, and what of the table it does not say (or says with a doubt)."""

    text: str
    notes: tuple[Note, ...] = ()


def is_foreign(text: str) -> bool:
    """Whether it is neither a definition nor a payload schema, nor broken YAML that may be one."""
    if text.lstrip()[:1] in {"{", "["}:
        root = _json(text)
        known = {"fields", "ports", "decode", "kind"}
        return root is not None and not (isinstance(root, dict) and known & set(root))
    if _PROGRAM.search(text) and "kind:" not in text:
        return True
    if _POINTER.search(text):
        return True
    lines = text.splitlines()[:_LINES_LOOKED_AT]
    return not _YAML.search(text) and not (_KEY.match(text) and not separator_of(lines))


def drafted(text: str, wishes: Wishes) -> Imported:
    """The draft of a definition. ProposalError, with what to do, where none can be made."""
    head = text.lstrip()[:1]
    root = _json(text) if head in {"{", "["} else None
    if root is not None:
        return _from_json(root, text, wishes)
    if _PROGRAM.search(text) or _POINTER.search(text):
        raise ProposalError(_program())
    rows = grid_of(text)
    table = table_of(rows)
    if table is None:
        raise ProposalError(
            _(
                "No row with headings is found. A table needs one such as “Byte, Name, Type, Scale, "
                "Unit”, “Channel, Type, Name, Data type, Unit” or “Register, Name, Type, Unit”."
            )
        )
    return _finished(_layout(table, wishes))


def _layout(table: Table, wishes: Wishes) -> Draft:
    columns = table.columns
    if columns & {"channel", "type_id", "type_hex"} and "register" not in columns:
        return channel_draft(table, wishes)
    if "register" in columns:
        return register_draft(table, wishes)
    if "path" in columns:
        return path_draft(table, wishes)
    return byte_draft(table, wishes)


def _json(text: str) -> Any:
    """None where it is no JSON; exact numbers."""
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _from_json(root: Any, text: str, wishes: Wishes) -> Imported:
    draft = thingsboard_draft(root, text, wishes)
    if draft is not None:
        return _finished(draft)
    if _has_script(root):
        raise ProposalError(_program())
    raise ProposalError(
        _(
            "This JSON is none of the mappings that are known: a definition, a payload schema, a "
            "Modbus, MQTT or request connector of the ThingsBoard gateway, a LwM2M device profile. If "
            "it is a telegram, paste it under “From a telegram”."
        )
    )


def _has_script(root: Any) -> bool:
    inner = root.get("configuration") if isinstance(root, dict) else None
    return any(
        isinstance(one, dict) and any(isinstance(one.get(key), str | dict) for key in _SCRIPT_KEYS)
        for one in (root, inner)
    )


def _program() -> str:
    return _(
        "This is a program. Programs are not run here: nobody could see byte by byte what they do, or "
        "trust them with a server. Take the table of bytes from the maker's document instead, or "
        "paste a telegram and name its fields; a definition says the same in a few lines."
    )


def _finished(draft: Draft) -> Imported:
    """ProposalError where no line of it was understood, with the first reasons."""
    if not draft.names and not draft.readings:
        reasons = " ".join(f"{note}." for note in draft.notes[:5])
        text = _("No line of the table is understood. %(reasons)s")
        raise ProposalError((text % {"reasons": reasons}).strip())
    return Imported(draft.text(), tuple(draft.notes))
