"""The bytes of a file that a spreadsheet or an editor saved → its text."""

from __future__ import annotations

import codecs
import re

from django.utils.translation import gettext as _

from ..proposing import ProposalError

__all__ = ["text_of_file"]

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DOCUMENT = b"%PDF"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Two letters of Cyrillic side by side; Western tables have single signs such as the degree.
_CYRILLIC = re.compile(rb"[\xc0-\xff\xb3\xbf\xb4\xba]{2}")


def text_of_file(content: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else the single bytes of Windows. ProposalError for no text."""
    if content.startswith(_WORKBOOKS):
        raise ProposalError(
            _("This is a workbook of a spreadsheet: save the sheet as CSV, or copy its cells here.")
        )
    if content.startswith(_DOCUMENT):
        raise ProposalError(_("This is a PDF: copy the rows of its table, and paste them here."))
    try:
        if content.startswith(_UTF_16) and len(content) > 2:
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _single_bytes(content)


def _single_bytes(content: bytes) -> str:
    lines = content.count(b"\n") + content.count(b"\r")
    if _CONTROL.search(content) or not lines:
        raise ProposalError(_("The file is no text in UTF-8."))
    return content.decode("cp1251" if _CYRILLIC.search(content) else "cp1252", "replace")
