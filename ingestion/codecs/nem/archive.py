"""A file as it is delivered: the records themselves, or a zip archive with them as its only member.

Source: AEMO, Meter Data File Format Specification NEM12 & NEM13, clause on file and zip names.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO

from ..errors import DecodeError

__all__ = ["MAX_SIZE", "ZIP_START", "content_of"]

# Two years of two data streams in intervals of five minutes are three megabytes.
MAX_SIZE = 8 * 1024 * 1024
ZIP_START = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x0001
# What the reader of archives raises on spoilt ones.
_SPOILT = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def content_of(octets: bytes) -> bytes:
    """The records. DecodeError where the archive is spoilt, or its content longer than MAX_SIZE."""
    plain = _unpacked(octets) if octets.startswith(ZIP_START) else octets
    if len(plain) > MAX_SIZE:
        raise DecodeError(0, f"the file is longer than {MAX_SIZE} bytes")
    return plain.removeprefix(_BOM)


def _unpacked(octets: bytes) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(octets)) as archive:
            member = _only_member(archive)
            with archive.open(member) as opened:
                return opened.read(MAX_SIZE + 1)
    except DecodeError:
        raise
    except _SPOILT as error:
        raise DecodeError(0, f"the zip archive can't be read: {error}") from None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if len(members) != 1:
        raise DecodeError(0, f"the zip archive holds {len(members)} files, and must hold one")
    if members[0].flag_bits & _ENCRYPTED:
        raise DecodeError(0, "the zip archive is encrypted")
    if members[0].compress_type not in _METHODS:
        raise DecodeError(0, "the zip archive is packed in another way than deflate")
    return members[0]
