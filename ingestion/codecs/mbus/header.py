"""The header of a record: what it is (DIF, DIFE) and in which unit (VIF, VIFE).

EN 13757-3:2018, clauses 6.3 and 6.4. Headers repeat for ever, so what one says is worked out once
and remembered by its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from ..errors import DecodeError
from .chains import EXTENSION, chain_end
from .plain_text import read_plain_text
from .vif_tables import FB, FD, FD_FD, PRIMARY, RESERVED, Vif
from .vife_tables import COMBINABLE, COMBINABLE_EXTENSION, RECORD_ERRORS, Vife

__all__ = ["Header", "header_end", "read_header"]

_FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")
_PLAIN_TEXT, _MANUFACTURER = 0x7C, 0x7F
_FIRST_EXTENSION, _SECOND_EXTENSION, _COMBINED = 0x7D, 0x7B, 0x7C
_SECOND_LEVEL = 0xFD


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a record will say.

    `octets` are its bytes as sent, which the signature of a compact frame is taken over; `vif` is
    the part from the VIF on, in hex. A unit in plain text that is not known is the `quantity`.
    `function` is instantaneous, maximum, minimum or error (a value during an error state).
    `final` tells that the last DIFE was 00h: `storage` is then a register number.
    value = data × scale + offset, in `unit`: the scale is factor × 10 ** exponent, the offset
    10 ** offset_exponent.
    `status` is what the meter says of a record that has no good value.
    """

    octets: bytes
    vib_start: int
    vif: str
    coding: int
    function: str
    storage: int
    tariff: int
    subunit: int
    final: bool
    quantity: str
    unit: str
    exponent: int
    factor: int
    scale: int | Decimal
    kind: str
    offset_exponent: int | None
    modifiers: tuple[str, ...]
    profile: str
    status: str
    formula: str = ""


def header_end(octets: bytes, start: int, end: int) -> int:
    """Where the header that begins at `start` ends, at most at `end`.

    Raises DecodeError if it is cut short or has more than ten extensions of either kind.
    """
    vib = chain_end(octets, start, end, "DIFE")
    vif = octets[vib] if vib < end else None
    if vif is None:
        raise DecodeError(vib, "the data end before the VIF")
    if vif & 0x7F == _PLAIN_TEXT:
        return read_plain_text(octets, vib, end).end
    return chain_end(octets, vib, end, "VIFE")


@lru_cache(maxsize=4096)
def read_header(octets: bytes) -> Header:
    """What a whole header says; `header_end` has measured it."""
    vib = chain_end(octets, 0, len(octets), "DIFE")
    storage, tariff, subunit = _numbers(octets[:vib])
    meaning = _Meaning(octets, vib)
    vif = meaning.vif
    return Header(
        octets=octets,
        vib_start=vib,
        vif=octets[vib:].hex(),
        coding=octets[0] & 0x0F,
        function=_FUNCTIONS[octets[0] >> 4 & 3],
        storage=storage,
        tariff=tariff,
        subunit=subunit,
        final=vib > 1 and not octets[vib - 1],
        quantity=vif.quantity,
        unit=vif.unit,
        exponent=vif.exponent,
        factor=vif.factor,
        scale=_scale(vif),
        kind=vif.kind,
        offset_exponent=meaning.offset_exponent,
        modifiers=tuple(meaning.modifiers),
        profile=meaning.profile,
        status=meaning.status,
        formula=_formula(vif, meaning.offset_exponent),
    )


def _scale(vif: Vif) -> int | Decimal:
    """A whole number wherever it is one."""
    if vif.exponent < 0:
        return Decimal(vif.factor).scaleb(vif.exponent)
    scale: int = vif.factor * 10**vif.exponent
    return scale


def _formula(vif: Vif, offset: int | None) -> str:
    """What is done to the number in the data, for people."""
    parts = [f"× {vif.factor}"] if vif.factor != 1 else []
    if vif.exponent:
        parts.append(f"× 10^{vif.exponent}")
    if offset is not None:
        parts.append(f"+ 10^{offset}")
    return " ".join(parts)


def _numbers(dib: bytes) -> tuple[int, int, int]:
    """Storage (41 bits), tariff (20 bits) and subunit (10 bits)."""
    storage, tariff, subunit = dib[0] >> 6 & 1, 0, 0
    for index, dife in enumerate(dib[1:]):
        storage |= (dife & 0x0F) << (1 + 4 * index)
        tariff |= (dife >> 4 & 3) << (2 * index)
        subunit |= (dife >> 6 & 1) << index
    return storage, tariff, subunit


class _Meaning:
    """The unit of a header, put together code by code."""

    def __init__(self, octets: bytes, start: int) -> None:
        self.modifiers: list[str] = []
        self.offset_exponent: int | None = None
        self.profile = ""
        self.status = ""
        self.vif, codes = _true_vif(octets, start)
        if octets[start] & 0x7F == _MANUFACTURER:
            self._foreign(codes, "")
        else:
            self._extend(codes)

    def _foreign(self, codes: bytes, prefix: str) -> None:
        """Codes that only the maker knows: told apart by their numbers."""
        self.modifiers += [f"{prefix}{code & 0x7F:02x}" for code in codes]

    def _extend(self, codes: bytes) -> None:
        position = 0
        while position < len(codes):
            code = codes[position] & 0x7F
            position += 1
            if code == _MANUFACTURER:
                self._foreign(codes[position:], "maker_")
                return
            if code == _COMBINED and position < len(codes):
                self._add(COMBINABLE_EXTENSION, codes[position] & 0x7F, "vife_fc_")
                position += 1
            else:
                self._add(COMBINABLE, code, "vife_")

    def _add(self, table: dict[int, Vife], code: int, unknown: str) -> None:
        if table is COMBINABLE and code in RECORD_ERRORS:
            self.status = RECORD_ERRORS[code]
            return
        if table is COMBINABLE and not code:  # "no error"
            return
        vife = table.get(code) or Vife(f"{unknown}{code:02x}")
        self.modifiers += [vife.word] if vife.word else []
        self.profile = vife.profile or self.profile
        if vife.offset_exponent is not None:
            self.offset_exponent = vife.offset_exponent
        self.vif = _modified(self.vif, vife)


# Units of what adds up: only these can be told per time. "Per month" behind a power or a temperature
# says of which period its extreme or its average is.
_AMOUNTS = frozenset({"", "Wh", "J", "cal", "m3", "kg", "varh", "VAh", "ft3", "gal", "count"})
_PER_TIME = frozenset({"/s", "/min", "/h", "/d", "/week", "/month", "/year"})


def _modified(vif: Vif, vife: Vife) -> Vif:
    if vife.unit in _PER_TIME and vif.unit not in _AMOUNTS:
        return vif
    if vife.replaces is not None:
        vif = replace(vif, unit=vife.replaces, exponent=0, factor=vife.factor, kind="number")
    return replace(
        vif,
        unit=vif.unit + vife.unit,
        exponent=vif.exponent + vife.exponent,
        kind=vife.kind or vif.kind,
    )


def _true_vif(octets: bytes, start: int) -> tuple[Vif, bytes]:
    """The code that names the quantity, and the combinable codes behind it."""
    code, position = octets[start] & 0x7F, start + 1
    if code == _PLAIN_TEXT:
        return _plain_text(octets, start)
    if not octets[start] & EXTENSION or code not in _TABLES:
        return PRIMARY.get(code, RESERVED), octets[position:]
    if code == _FIRST_EXTENSION and octets[position] == _SECOND_LEVEL:
        return FD_FD.get(octets[position + 1] & 0x7F, RESERVED), octets[position + 2 :]
    return _TABLES[code].get(octets[position] & 0x7F, RESERVED), octets[position + 1 :]


# EFh is kept for a third extension.
_TABLES: dict[int, dict[int, Vif]] = {_FIRST_EXTENSION: FD, _SECOND_EXTENSION: FB, 0x6F: {}}


def _plain_text(octets: bytes, start: int) -> tuple[Vif, bytes]:
    """A unit in plain text: its own quantity, but for those that are known."""
    spelt = read_plain_text(octets, start, len(octets))
    text = spelt.text.replace("\0", "").strip()
    return _SPELT.get(text) or Vif(text or "plain_text"), spelt.codes


_SPELT = {"%RH": Vif("relative_humidity", "%"), "%rH": Vif("relative_humidity", "%")}
