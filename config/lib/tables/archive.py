"""The ZIP archive of an XLSX file, looked over before anything in it is parsed.

Sizes are checked as the archive declares them; `zipfile` never unpacks more than was declared.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from .errors import TableFileError
from .sheets import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHUNK", "Archive"]

CHUNK = 256 * 1024
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
# No entry of the directory of an XLSX needs more than this.
_ENTRY_BYTES = 600
# Spreadsheets compress to a tenth or a thirtieth; a hundredth is a bomb.
_RATIO, _RATIO_FROM = 100, 1024 * 1024
_TEXTS_SHARE = 0.3


class Archive:
    """Parts of an XLSX by name. Raises TableFileError for what no spreadsheet program writes."""

    def __init__(self, data: bytes) -> None:
        _check_directory(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:
            # A changed byte in the directory leads to one of many exceptions, all meaning this.
            raise damaged() from error
        self._parts = {info.filename.lstrip("/"): info for info in self._zip.infolist()}
        self._check_parts()

    def has(self, name: str) -> bool:
        return name in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """The unpacked part in pieces of at most CHUNK bytes."""
        try:
            with self._zip.open(self._parts[name]) as part:
                while piece := part.read(CHUNK):
                    yield piece
        except Exception as error:
            # KeyError, BadZipFile, zlib.error, EOFError …: nobody can unpack it.
            raise damaged() from error

    def count_rows(self, name: str) -> None:
        """Refuse a sheet with too many rows while it is only unpacked, many times faster."""
        rows, tail = 0, b""
        for piece in self.chunks(name):
            window = tail + piece
            rows += window.count(b"<row") + window.count(b":row")
            tail = window[-3:]
            # A tag cut by the end of a piece is counted with the next piece, and only there.
            if rows > settings.IMPORT_MAX_ROWS + settings.IMPORT_MAX_SHEETS:
                Budget.refuse_rows()

    def _check_parts(self) -> None:
        total = 0
        for info in self._parts.values():
            if info.flag_bits & 1:
                raise TableFileError(_("The file is protected with a password. Save it without."))
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise damaged()
            if info.file_size > _RATIO_FROM and info.file_size > _RATIO * info.compress_size:
                raise _too_large()
            total += info.file_size
            if info.file_size > _limit(info.filename) or total > settings.IMPORT_MAX_UNPACKED_BYTES:
                raise _too_large()


def damaged() -> TableFileError:
    return TableFileError(_("This is not an XLSX file, or it is damaged."))


def _too_large() -> TableFileError:
    return TableFileError(_("Unpacked, the file is larger than any table may be. Split it."))


def _limit(name: str) -> int:
    unpacked: int = settings.IMPORT_MAX_UNPACKED_BYTES
    lower = name.lower()
    if "/worksheets/" in lower or not lower.endswith((".xml", ".rels")):
        return unpacked
    if lower.endswith("sharedstrings.xml"):
        return int(unpacked * _TEXTS_SHARE)
    return int(settings.IMPORT_MAX_PART_BYTES)


def _check_directory(data: bytes) -> None:
    """`zipfile` reads the whole directory at once: its size is looked at first."""
    end = data.rfind(_END, -(22 + 65_535) if len(data) > 65_557 else 0)
    if not data.startswith(b"PK") or end < 0 or len(data) < end + 22:
        raise damaged()
    size = struct.unpack_from("<I", data, end + 12)[0]
    if data[end - 20 : end - 16] == _LOCATOR64 and data[end - 76 : end - 72] == _END64:
        size = struct.unpack_from("<Q", data, end - 76 + 40)[0]
    if size > settings.IMPORT_MAX_PARTS * _ENTRY_BYTES:
        raise damaged()
