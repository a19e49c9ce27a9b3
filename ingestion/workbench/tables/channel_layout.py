"""Tables of channels and types (Milesight, Cayenne LPP and their like) → a layout of tags.

Each value of such a telegram has a byte for the channel and a byte for the type before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from .byte_layout import field_of
from .cells import Form, order_of
from .describing import Told, UnclearError, settled, told_by, width_of
from .drafting import Draft, Wishes
from .headings import Entry, Table

__all__ = ["channel_draft"]

_CODE = re.compile(r"(?:0x)?([0-9a-f]{1,2})(?:h\b)?\s*(?:[(:\-–]?\s*(.*?)\)?)?", re.IGNORECASE)
_SEVERAL = re.compile(r"\bbytes? ?\d|\d ?[Bb]\)|\(\d ?bytes?\)", re.IGNORECASE)


def channel_draft(table: Table, wishes: Wishes) -> Draft:
    """A draft of the kind `binary` with a case for each row that was understood."""
    draft = Draft("binary", wishes)
    draft.identify = ["transport: lorawan", "device: $arrival.device"]
    rows = list(_rows(table, draft))
    draft.speaks_of(table.title, [told for _tag, told, _form in rows])
    endian = _endian(table, wishes, rows, draft)
    draft.layout = [f"endian: {endian}", "fields:", "  - tlv:", *_head(table), "      cases:"]
    for tag, told, form in rows:
        draft.layout.append(f"        {tag}: [{field_of(told, form, endian, draft)}]")
    return draft


def _head(table: Table) -> list[str]:
    if "channel" in table.columns:
        return ["      tag: [u8, u8]", "      length: implicit", "      unknown: stop"]
    return [
        "      tag_fields: [{name: channel, type: u8}, {name: kind, type: u8}]",
        "      tag_key: [channel, kind]",
        "      unknown: error",
    ]


def _rows(table: Table, draft: Draft) -> Iterator[tuple[str, Told, Form]]:
    """Tag as it stands in the layout, what the row says, the form on the wire."""
    seen: dict[str, int] = {}
    channel = ""
    for entry in table.entries:
        channel = entry.get("channel") or channel
        try:
            tag, entry = _tagged(entry, channel, table)
            told = told_by(entry, draft)
            form = _form(entry, told, draft)
        except UnclearError as error:
            draft.note(entry.number, str(error))
            continue
        if tag in seen:
            values = {"line": seen[tag]}
            draft.note(
                entry.number, _("its channel and type stand on line %(line)d already") % values
            )
            continue
        seen[tag] = entry.number
        yield tag, told, form


def _tagged(entry: Entry, channel: str, table: Table) -> tuple[str, Entry]:
    """The tag, and the row with a name that may stand behind the number of the type."""
    sort, name = _code(entry, table)
    cells = {**entry.cells}
    if name and not cells.get("name"):
        cells["name"] = name
    if "channel" not in table.columns:
        return f"'[*, {sort}]'", Entry(entry.number, cells)
    found = _CODE.fullmatch(channel.strip())
    if found is None:
        raise UnclearError(
            _("“%(text)s” is no channel: two hexadecimal digits") % {"text": channel[:40]}
        )
    return f"'{int(found[1], 16):02X} {sort:02X}'", Entry(entry.number, cells)


def _code(entry: Entry, table: Table) -> tuple[int, str]:
    """The number of a type: hexadecimal, or decimal in a column beside the hexadecimal one."""
    text = entry.get("type_hex") or entry.get("type_id")
    if re.fullmatch(r"[12]\d\d", text) and int(text) < 256:
        return int(text), ""
    if (
        not entry.get("type_hex")
        and "channel" not in table.columns
        and text.isdecimal()
        and len(text) < 4
    ):
        return int(text) & 0xFF, ""
    found = _CODE.fullmatch(text.strip())
    if found is None:
        raise UnclearError(_("“%(text)s” is no type: two hexadecimal digits") % {"text": text[:40]})
    return int(found[1], 16), (found[2] or "").strip()


def _form(entry: Entry, told: Told, draft: Draft) -> Form:
    width = width_of(entry.get("size"))
    if len(_SEVERAL.findall(entry.get("text"))) > 1:
        if width <= 0:
            raise UnclearError(_("it has several values, and its size is not told"))
        draft.note(
            entry.number,
            _("it has several values: they are left as bytes, to be parted"),
            lost=False,
        )
        return Form("hex", width)
    if told.form is None and not told.unit and not told.scaling() and width > 1:
        return Form("hex", width)
    return settled(told, width)


def _endian(table: Table, wishes: Wishes, rows: list[tuple[str, Told, Form]], draft: Draft) -> str:
    told = wishes.endian or order_of(table.title)
    orders = [row.order for _tag, row, _form in rows if row.order]
    if not told and orders:
        told = max(sorted(set(orders)), key=orders.count)
    if told:
        return told
    usual = "little" if "channel" in table.columns else "big"
    if any(form.size > 1 for _tag, _told, form in rows):
        texts = {
            "little": _(
                "The table does not tell the byte order: the lowest byte first is assumed."
            ),
            "big": _("The table does not tell the byte order: the highest byte first is assumed."),
        }
        draft.note(0, texts[usual], lost=False)
    return usual
