"""Checksums over a stretch of the message: the usual CRCs by name, any other by its parameters.

Names and parameters are those of the catalogue of parametrised CRC algorithms (width, polynomial,
initial value, reflected in and out, final exclusive-or). Besides them: `sum8`, `sum16`, `xor8`, and
`sum8-complement` (two's complement of the sum, so that all bytes together come to 0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, reduce
from operator import xor
from typing import Any

from ..errors import DecodeError
from .builder import ENDIANS
from .errors import Place, SchemaError
from .limits import SUMMED_A_FIELD
from .state import State, Step, mark

__all__ = ["CHECKSUMS", "CRCS", "Crc", "compile_checksum", "crc_of"]


@dataclass(frozen=True, slots=True)
class Crc:
    """Parameters of a cyclic redundancy check of 8, 16, 24 or 32 bits."""

    width: int
    poly: int
    init: int = 0
    reflected_in: bool = False
    reflected_out: bool = False
    xor_out: int = 0


CRCS: dict[str, Crc] = {
    "crc-8": Crc(8, 0x07),
    "crc-8/smbus": Crc(8, 0x07),
    "crc-8/i-432-1": Crc(8, 0x07, xor_out=0x55),
    "crc-8/rohc": Crc(8, 0x07, 0xFF, True, True),
    "crc-8/autosar": Crc(8, 0x2F, 0xFF, xor_out=0xFF),
    "crc-8/cdma2000": Crc(8, 0x9B, 0xFF),
    "crc-8/darc": Crc(8, 0x39, 0, True, True),
    "crc-8/dvb-s2": Crc(8, 0xD5),
    "crc-8/maxim-dow": Crc(8, 0x31, 0, True, True),
    "crc-8/nrsc-5": Crc(8, 0x31, 0xFF),
    "crc-8/sae-j1850": Crc(8, 0x1D, 0xFF, xor_out=0xFF),
    "crc-8/wcdma": Crc(8, 0x9B, 0, True, True),
    "crc-16": Crc(16, 0x8005, 0, True, True),
    "crc-16/arc": Crc(16, 0x8005, 0, True, True),
    "crc-16/cdma2000": Crc(16, 0xC867, 0xFFFF),
    "crc-16/dect-x": Crc(16, 0x0589),
    "crc-16/dnp": Crc(16, 0x3D65, 0, True, True, 0xFFFF),
    "crc-16/en-13757": Crc(16, 0x3D65, xor_out=0xFFFF),
    "crc-16/genibus": Crc(16, 0x1021, 0xFFFF, xor_out=0xFFFF),
    "crc-16/gsm": Crc(16, 0x1021, xor_out=0xFFFF),
    "crc-16/ccitt-false": Crc(16, 0x1021, 0xFFFF),
    "crc-16/ibm-3740": Crc(16, 0x1021, 0xFFFF),
    "crc-16/ibm-sdlc": Crc(16, 0x1021, 0xFFFF, True, True, 0xFFFF),
    "crc-16/x-25": Crc(16, 0x1021, 0xFFFF, True, True, 0xFFFF),
    "crc-16/kermit": Crc(16, 0x1021, 0, True, True),
    "crc-16/maxim-dow": Crc(16, 0x8005, 0, True, True, 0xFFFF),
    "crc-16/mcrf4xx": Crc(16, 0x1021, 0xFFFF, True, True),
    "crc-16/modbus": Crc(16, 0x8005, 0xFFFF, True, True),
    "crc-16/riello": Crc(16, 0x1021, 0xB2AA, True, True),
    "crc-16/spi-fujitsu": Crc(16, 0x1021, 0x1D0F),
    "crc-16/t10-dif": Crc(16, 0x8BB7),
    "crc-16/teledisk": Crc(16, 0xA097),
    "crc-16/umts": Crc(16, 0x8005),
    "crc-16/usb": Crc(16, 0x8005, 0xFFFF, True, True, 0xFFFF),
    "crc-16/xmodem": Crc(16, 0x1021),
    "crc-24/openpgp": Crc(24, 0x864CFB, 0xB704CE),
    "crc-32": Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, True, 0xFFFFFFFF),
    "crc-32/iso-hdlc": Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, True, 0xFFFFFFFF),
    "crc-32/iscsi": Crc(32, 0x1EDC6F41, 0xFFFFFFFF, True, True, 0xFFFFFFFF),
    "crc-32/mpeg-2": Crc(32, 0x04C11DB7, 0xFFFFFFFF),
}
_SUMS: dict[str, tuple[int, Callable[[bytes], int]]] = {
    "sum8": (1, lambda data: sum(data) & 0xFF),
    "sum8-complement": (1, lambda data: -sum(data) & 0xFF),
    "sum16": (2, lambda data: sum(data) & 0xFFFF),
    "xor8": (1, lambda data: reduce(xor, data, 0)),
}

# Names of all of them, as a definition may write them.
CHECKSUMS = (*CRCS, *_SUMS)


def _mirrored(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


@lru_cache(maxsize=64)
def _table(width: int, poly: int) -> tuple[int, ...]:
    """What each byte does to the register, which is kept with its highest bit first."""
    top, mask = 1 << (width - 1), (1 << width) - 1
    rows = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = (value << 1 ^ poly if value & top else value << 1) & mask
        rows.append(value)
    return tuple(rows)


def crc_of(crc: Crc, data: bytes) -> int:
    table, mask, shift = _table(crc.width, crc.poly), (1 << crc.width) - 1, crc.width - 8
    value = crc.init
    for byte in data.translate(_MIRROR) if crc.reflected_in else data:
        value = (value << 8 & mask) ^ table[value >> shift ^ byte]
    if crc.reflected_out:
        value = _mirrored(value, crc.width)
    return value ^ crc.xor_out


_MIRROR = bytes(_mirrored(byte, 8) for byte in range(256))


def compile_checksum(spec: Any, place: Place, endian: str) -> Step:
    """`{type, over: [first, last + 1], at, endian, on_error: refuse | warn}` before all fields.

    `over` and `at` count bytes from the start, or before the end where negative; `at` defaults to
    the last bytes and `over` to all before them.
    """
    if isinstance(spec, str):
        spec = {"type": spec}
    if not isinstance(spec, Mapping):
        raise SchemaError(place, "expected {type, over, at}")
    size, compute = _algorithm(spec, place)
    order = spec.get("endian", endian)
    if order not in ENDIANS:
        raise SchemaError((*place, "endian"), "big or little")
    at = _offset(spec.get("at", -size), (*place, "at"))
    over = spec.get("over", [0, at])
    if not isinstance(over, (list, tuple)) or len(over) != 2:
        raise SchemaError((*place, "over"), "expected [first, last + 1]")
    first, last = (_offset(end, (*place, "over")) for end in over)
    warn = spec.get("on_error", "refuse")
    if warn not in ("refuse", "warn"):
        raise SchemaError((*place, "on_error"), "refuse or warn")
    return _checking(size, compute, str(order), at, (first, last), warn == "warn")


def _offset(spec: Any, place: Place) -> int:
    if isinstance(spec, bool) or not isinstance(spec, int):
        raise SchemaError(place, "a byte from the start, or before the end where negative")
    return spec


def _algorithm(spec: Mapping[Any, Any], place: Place) -> tuple[int, Callable[[bytes], int]]:
    name = str(spec.get("type", "crc")).lower()
    if name in _SUMS:
        return _SUMS[name]
    poly = spec.get("poly", spec.get("polynomial"))
    known = CRCS.get(name.replace("crc8", "crc-8").replace("crc16", "crc-16"))
    if poly is None and known is None:
        near = get_close_matches(name[:40], CHECKSUMS, 3, 0.5)
        meant = f"; near to it: {', '.join(near)}" if near else ""
        raise SchemaError((*place, "type"), f"no checksum {name[:40]!r}{meant}")
    crc = known if poly is None and known else _custom(spec, name, poly, place)
    return crc.width // 8, lambda data: crc_of(crc, data)


def _custom(spec: Mapping[Any, Any], name: str, poly: Any, place: Place) -> Crc:
    digits = "".join(letter for letter in name if letter.isdigit())
    width = spec.get("width", int(digits) if digits in {"8", "16", "24", "32"} else 16)
    values = [poly, spec.get("init", 0), spec.get("xorout", 0)]
    if width not in (8, 16, 24, 32) or not all(
        isinstance(value, int) and 0 <= value < 1 << width for value in values
    ):
        raise SchemaError(place, "width 8, 16, 24 or 32; poly, init and xorout within it")
    reflected_in = bool(spec.get("refin", False))
    reflected_out = bool(spec.get("refout", reflected_in))
    return Crc(width, values[0], values[1], reflected_in, reflected_out, values[2])


def _checking(
    size: int,
    compute: Callable[[bytes], int],
    order: str,
    at: int,
    over: tuple[int, int],
    warn: bool,
) -> Step:
    def check(state: State) -> None:
        length = len(state.octets)
        place = at + length if at < 0 else at
        first, last = (end + length if end < 0 else end for end in over)
        state.charge(length // SUMMED_A_FIELD)
        if not 0 <= place <= length - size or not 0 <= first <= last <= length:
            raise DecodeError(length, "too short for its checksum")
        found = int.from_bytes(state.octets[place : place + size], order)  # type: ignore[arg-type]
        wanted = compute(state.octets[first:last])
        back, state.pos = state.pos, place + size
        mark(state, "checksum", place, found)
        state.pos = back
        if found != wanted:
            reason = f"checksum is {found:0{2 * size}X}, computed {wanted:0{2 * size}X}"
            if not warn:
                raise DecodeError(place, reason)
            state.warnings.append(f"byte {place}: {reason}")

    return check
