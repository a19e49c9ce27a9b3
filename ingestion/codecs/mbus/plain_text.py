"""Units in plain text: VIF 7Ch or FCh, EN 13757-3:2018, clause 6.4.5 and Annex C.2.

    VIF · length · text, last character first · VIFE …      as most meters send it
    VIF · VIFE … · length · text, last character first      as the edition of 2018 has it

The first is tried first; a text that would not fit, or has control characters in it, is looked for
behind the VIFE.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DecodeError
from .chains import EXTENSION, chain_end

__all__ = ["Spelt", "read_plain_text"]

_FIRST_PRINTABLE = 0x20


class Spelt(NamedTuple):
    """A unit, the VIFE that go with it, and where both end."""

    text: str
    codes: bytes
    end: int

    @property
    def printable(self) -> bool:
        """Whether a person can read it."""
        return bool(self.text) and all(ord(letter) >= _FIRST_PRINTABLE for letter in self.text)


def read_plain_text(octets: bytes, vif: int, end: int) -> Spelt:
    """The unit behind the VIF at `vif`; raises DecodeError if the bytes end at `end` before it."""
    first = _attempted(octets, vif, end, text_first=True)
    if not octets[vif] & EXTENSION or (isinstance(first, Spelt) and first.printable):
        return _given(first)
    second = _attempted(octets, vif, end, text_first=False)
    return second if isinstance(second, Spelt) and second.printable else _given(first)


def _given(attempt: Spelt | DecodeError) -> Spelt:
    if isinstance(attempt, DecodeError):
        raise attempt
    return attempt


def _attempted(octets: bytes, vif: int, end: int, *, text_first: bool) -> Spelt | DecodeError:
    try:
        if text_first:
            return _text_then_codes(octets, vif, end)
        return _codes_then_text(octets, vif, end)
    except DecodeError as error:
        return error


def _text_then_codes(octets: bytes, vif: int, end: int) -> Spelt:
    text, position = _text(octets, vif + 1, end)
    if not octets[vif] & EXTENSION:
        return Spelt(text, b"", position)
    if position >= end:
        raise DecodeError(position, "the data end before the VIFE")
    stop = chain_end(octets, position, end, "VIFE")
    return Spelt(text, octets[position:stop], stop)


def _codes_then_text(octets: bytes, vif: int, end: int) -> Spelt:
    position = chain_end(octets, vif, end, "VIFE")
    text, stop = _text(octets, position, end)
    return Spelt(text, octets[vif + 1 : position], stop)


def _text(octets: bytes, position: int, end: int) -> tuple[str, int]:
    if position >= end:
        raise DecodeError(position, "the data end before the text of the VIF")
    length, start = octets[position], position + 1
    if length >= EXTENSION or start + length > end:
        reason = f"the text of the VIF has {length} bytes, {end - start} left"
        raise DecodeError(position, reason)
    stop = start + length
    return octets[start:stop][::-1].decode("latin-1"), stop
