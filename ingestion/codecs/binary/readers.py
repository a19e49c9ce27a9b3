"""Reading one field from the bytes: whole numbers, floats, bits, texts.

Every reader takes the state, refuses what is cut short, moves on, and gives the raw value.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

from ..errors import DecodeError
from .limits import MAX_ITEMS
from .numbers import EXACT, Number, shortest
from .references import Reference
from .state import OMITTED, Read, State

__all__ = [
    "bit_field",
    "decimal_digits",
    "floating",
    "integer",
    "minifloat",
    "nibble_decimal",
    "octets",
    "one_bit",
    "packed",
    "word_ordered",
]


def integer(size: int, order: Any, *, signed: bool) -> Read:
    if size == 1 and not signed:
        return _byte
    from_bytes = int.from_bytes

    def read(state: State) -> int:
        start = state.pos
        end = start + size
        if end > state.end:
            state.need(size)
        state.pos = end
        return from_bytes(state.octets[start:end], order, signed=signed)

    return read


def _byte(state: State) -> int:
    start = state.pos
    if start >= state.end:
        state.need(1)
    state.pos = start + 1
    return state.octets[start]


_FLOATS = {2: "e", 4: "f", 8: "d"}


def floating(size: int, order: str) -> Read:
    """IEEE 754, as the shortest decimal that reads back as the same float; NaN, ±∞ are absent."""
    unpack = struct.Struct((">" if order == "big" else "<") + _FLOATS[size]).unpack_from

    def read(state: State) -> Any:
        end = state.need(size)
        value = unpack(state.octets, state.pos)[0]
        state.pos = end
        number = shortest(value, size)
        return OMITTED if number is None else number

    return read


def word_ordered(kind: str, *, low_first: bool) -> Read:
    """32 bits as two 16-bit words: big-endian with the low one first, or the other way about."""

    def read(state: State) -> Any:
        end = state.need(4)
        data = state.octets[state.pos : end]
        state.pos = end
        swapped = data[2:] + data[:2] if low_first else data[1::-1] + data[:1:-1]
        if kind == "f":
            number = shortest(struct.unpack(">f", swapped)[0], 4)
            return OMITTED if number is None else number
        return int.from_bytes(swapped, "big", signed=kind == "s")

    return read


# exponent bits, fraction bits, bias, sign bit, whether a leading 1 is implied (0 is subnormal)
_MINIFLOATS = {
    "uflt16": (4, 12, 15, 0, False),
    "sflt16": (4, 11, 15, 1, False),
    "sflt24": (7, 16, 63, 1, True),
}


def minifloat(kind: str, order: Any) -> tuple[Read, int]:
    """The small floats of the language (not IEEE 754), exact, and their size in bytes."""
    exponents, fractions, bias, sign, implied = _MINIFLOATS[kind]
    size = (exponents + fractions + sign) // 8

    def read(state: State) -> Any:
        end = state.need(size)
        word = int.from_bytes(state.octets[state.pos : end], order)
        state.pos = end
        power = word >> fractions & (1 << exponents) - 1
        fraction = word & (1 << fractions) - 1
        if implied and power == (1 << exponents) - 1:
            return OMITTED
        if implied and power:
            fraction += 1 << fractions
        power = max(power, 1) if implied else power
        negative = bool(sign and word >> (exponents + fractions))
        return _scaled(-fraction if negative else fraction, power - bias - fractions)

    return read, size


def _scaled(fraction: int, power: int) -> Number:
    """fraction × 2^power."""
    return EXACT.multiply(fraction, EXACT.power(2, power)) if fraction else 0


def bit_field(size: int, low: int, width: int, order: Any, *, signed: bool, consume: int) -> Read:
    """Bits `low` … `low + width - 1` (0 is the least) of `size` bytes; moves on by `consume`."""
    mask, top = (1 << width) - 1, 1 << (width - 1)

    def read(state: State) -> int:
        start = state.pos
        end = state.need(size)
        value = int.from_bytes(state.octets[start:end], order) >> low & mask
        state.last = start
        state.pos = start + consume
        if state.pos > state.end:
            state.pos = start
            state.need(consume)
        return value - (1 << width) if signed and value & top else value

    return read


def one_bit(bit: int, consume: int) -> Read:
    read = bit_field(bit // 8 + 1, bit, 1, "little", signed=False, consume=consume)
    return lambda state: bool(read(state))


def packed(width: int, order: str, *, signed: bool, count: Reference | None) -> Read:
    """`width` bits right behind the bits before them; a list of them where `count` is given.

    "little" takes the low bits of a byte first, "big" the high ones.
    """
    mask, top = (1 << width) - 1, 1 << (width - 1)

    def one(whole: int, shift: int) -> int:
        value = whole >> shift & mask
        return value - (1 << width) if signed and value & top else value

    def read(state: State) -> Any:
        number = 1 if count is None else count(state)
        if number > MAX_ITEMS:
            raise DecodeError(state.pos, f"more than {MAX_ITEMS} values")
        state.charge(number)
        start, bit = state.pos, state.bit
        bits = bit + width * number
        end = state.need((bits + 7) >> 3)
        whole = int.from_bytes(state.octets[start:end], order)  # type: ignore[arg-type]
        state.pos, state.bit, state.last = start + (bits >> 3), bits & 7, start
        if order == "little":
            values = [one(whole, bit + width * place) for place in range(number)]
        else:
            spare = (end - start) * 8 - bit - width
            values = [one(whole, spare - width * place) for place in range(number)]
        return values[0] if count is None else values

    return read


def nibble_decimal(*, signed: bool) -> Read:
    """Whole units in the high four bits, tenths in the low four."""

    def read(state: State) -> Any:
        byte = _byte(state)
        whole = byte >> 4
        if signed and whole >= 8:
            whole -= 16
        return EXACT.divide(whole * 10 + (byte & 15), 10)

    return read


# Bytes of packed digits in one number.
_MOST_DIGITS = 32


def decimal_digits(size: Reference, order: str, *, signed: bool) -> Read:
    """Packed BCD; with `signed`, a high nibble F is a minus. Other digits above 9 are refused."""

    def read(state: State) -> int:
        start, end = state.pos, state.need(min(size(state), _MOST_DIGITS))
        digits = state.octets[start:end][:: 1 if order == "big" else -1].hex()
        sign = 1
        if signed and digits[:1] == "f":
            sign, digits = -1, "0" + digits[1:]
        if digits and not digits.isdecimal():
            raise DecodeError(start, f"{digits} are not decimal digits")
        state.pos = end
        return sign * int(digits or "0")

    return read


def octets(size: Reference | None, form: Callable[[bytes], Any]) -> Read:
    """`size` bytes, or all that are left, in a form for people."""

    def read(state: State) -> Any:
        end = state.end if size is None else state.need(size(state))
        data = state.octets[state.pos : max(end, state.pos)]
        state.charge(1 + len(data) // 16)
        state.pos = max(end, state.pos)
        return form(data)

    return read


def hexadecimal(separator: str = "", *, upper: bool = False) -> Callable[[bytes], str]:
    def form(data: bytes) -> str:
        text = separator.join(f"{byte:02x}" for byte in data) if separator else data.hex()
        return text.upper() if upper else text

    return form


def ascii_text(data: bytes) -> str:
    return data.decode("ascii", errors="replace").rstrip("\x00")


def utf8_text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").rstrip("\x00")


FORMS: dict[str, Callable[[bytes], Any]] = {
    "hex": hexadecimal(),
    "hex:upper": hexadecimal(upper=True),
    "base64": lambda data: base64.b64encode(data).decode("ascii"),
    "array": list,
    "ascii": ascii_text,
    "utf8": utf8_text,
    "raw": bytes,
}
