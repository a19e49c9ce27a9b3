"""Frames as people have them: hex, base64, a text, or the bytes themselves."""

from __future__ import annotations

import base64
import binascii
import re

__all__ = ["frames_in", "octets_in"]

_HEX = re.compile(rb"(?:0x)?[0-9a-f]{2}(?:[\s:,;|-]*(?:0x)?[0-9a-f]{2})*", re.IGNORECASE)
_HEX_NOISE = re.compile(rb"[\s:,;|-]+|0x", re.IGNORECASE)
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")


def octets_in(content: bytes) -> bytes:
    """The frame that a text writes down; bytes that are no such text are the frame.

    Hex may have blanks, colons, hyphens, 0x and lines of comment that begin with #.
    """
    written = _COMMENT.sub(b"", content).strip()
    if _HEX.fullmatch(written):
        return bytes.fromhex(_HEX_NOISE.sub(b"", written).decode("ascii"))
    if not _BASE64.fullmatch(written):
        return content
    try:
        return base64.b64decode(
            written, altchars=b"-_" if b"-" in written or b"_" in written else None
        )
    except binascii.Error:
        return content


def frames_in(content: bytes) -> list[bytes]:
    """One frame a line, lines of comment and empty ones left out."""
    lines = _COMMENT.sub(b"", content).splitlines()
    return [octets_in(line) for line in lines if line.strip()]
