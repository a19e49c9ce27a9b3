"""Readouts in text: IEC 62056-21 data blocks and P1 telegrams, with checksums and sub-meters."""

from __future__ import annotations

from .decode import SMARTY_AUTHENTICATION_KEY, decode_obis_text
from .framing import crc_arc

__all__ = ["SMARTY_AUTHENTICATION_KEY", "crc_arc", "decode_obis_text"]
