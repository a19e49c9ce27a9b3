"""Responses of a Modbus device decoded by a compiled map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import DecodeError
from ..scaling import LookupFault
from ..telegram import Item, Telegram, Value
from .frames import Response
from .values import UnusableValue

__all__ = ["EXACT", "Finish", "ModbusMap", "Part", "Read", "Register"]

# Wide enough for every scaled register: nothing is ever rounded.
EXACT = Context(prec=200)
_HIGHEST_SCALE = 10

Finish = Callable[[Value], Value]


class Read(NamedTuple):
    function: int
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class Part:
    """Bits of a register that are an item of their own."""

    name: str
    low: int
    width: int
    finish: Finish
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Register:
    """A compiled register (or coil): where it stands and what is made of its bytes."""

    name: str
    function: int
    first: int
    size: int
    unit: str
    order: Callable[[bytes], bytes] | None
    read: Callable[[bytes], Value]
    finish: Finish
    formula: str
    scale_register: str
    parts: tuple[Part, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModbusMap:
    """A compiled map."""

    registers: tuple[Register, ...]
    reads: tuple[Read, ...]
    frame: Callable[[bytes], Response]
    base: int
    function: int
    start: int

    def decode(self, octets: bytes, *, start: int | None = None) -> Telegram:
        """The items of a response or image.

        `start` is the maker's address of its first register, for a caller that knows what it asked
        for. DecodeError for a damaged frame, an exception of the device, and when no register of
        the map lies in what came.
        """
        response = self.frame(octets)
        function = response.function or self.function
        first = self._first(response, function) if start is None else start - self.base
        with localcontext(EXACT):
            items = tuple(_Window(response, function, first).items(self.registers))
        if not items:
            where = f"function {function} from {first + self.base}"
            raise DecodeError(response.at, f"no register of the map lies in what came: {where}")
        unit = {"unit": response.unit} if response.unit else {}
        return Telegram(
            kind="modbus",
            octets=octets,
            items=items,
            identity=MappingProxyType(unit),
            layers=response.layers,
            tree=MappingProxyType({item.name: item.value for item in items}),
        )

    def _first(self, response: Response, function: int) -> int:
        """Where the data begins: the one read that it answers, else the start of the map."""
        if not self.reads:
            return self.start
        answered = [read for read in self.reads if _answers(response, function, read)]
        if not answered:
            count = len(response.data)
            raise DecodeError(response.at, f"{count} bytes of function {function} answer no read")
        if len(answered) > 1:
            raise DecodeError(
                response.at, "several reads have this length: which one was answered?"
            )
        return answered[0].first


def _answers(response: Response, function: int, read: Read) -> bool:
    size = 2 * read.size if function > 2 else (read.size + 7) // 8
    return read.function == function and len(response.data) == size


class _Window(NamedTuple):
    """Registers (or coils) that came, the first of them at `first`."""

    response: Response
    function: int
    first: int

    def items(self, registers: tuple[Register, ...]) -> Iterator[Item]:
        scales = {one.scale_register for one in registers if one.scale_register}
        exponents = {one.name: self.raw(one) for one in registers if one.name in scales}
        for one in registers:
            span = self.span(one)
            if span is not None:
                yield from self.said(one, *span, exponents)

    def span(self, one: Register) -> tuple[int, int] | None:
        """The bytes of a register within the data; None when it did not come whole."""
        away = one.first - self.first
        if one.function != self.function or away < 0:
            return None
        if self.function < 3:
            return (away // 8, away // 8 + 1) if away < 8 * len(self.response.data) else None
        end = 2 * (away + one.size)
        return (2 * away, end) if end <= len(self.response.data) else None

    def raw(self, one: Register) -> Value:
        span = self.span(one)
        return None if span is None else self.value(one, *span)

    def value(self, one: Register, start: int, end: int) -> Value:
        octets = self.response.data[start:end]
        if self.function < 3:
            octets = bytes([octets[0] >> ((one.first - self.first) % 8) & 1])
        try:
            return one.read(one.order(octets) if one.order else octets)
        except UnusableValue as error:
            raise DecodeError(self.response.at + start, f"{one.name}: {error}") from error

    def said(
        self, one: Register, start: int, end: int, exponents: Mapping[str, Value]
    ) -> Iterator[Item]:
        value = self.value(one, start, end)
        at, to = self.response.at + start, self.response.at + end
        octets = self.response.data[start:end].hex(" ", 2)
        try:
            finished, formula = _scaled(one, one.finish(value), exponents)
            yield Item(
                name=one.name,
                value=finished,
                unit=one.unit,
                raw=octets,
                start=at,
                end=to,
                formula=formula,
                facts=one.facts,
            )
            number = value if isinstance(value, int) else 0
            for part in one.parts:
                bits = number >> part.low & ((1 << part.width) - 1)
                yield Item(
                    name=part.name,
                    value=part.finish(bits),
                    raw=f"{bits:0{part.width}b}",
                    start=at,
                    end=to,
                    facts=part.facts,
                )
        except (UnusableValue, LookupFault) as error:
            raise DecodeError(at, f"{one.name}: {error}") from error


def _scaled(one: Register, value: Value, exponents: Mapping[str, Value]) -> tuple[Value, str]:
    """The value times the power of ten that another register tells (as SunSpec has it)."""
    if not one.scale_register or not isinstance(value, int | Decimal):
        return value, one.formula
    exponent = exponents[one.scale_register]
    if not isinstance(exponent, int) or abs(exponent) > _HIGHEST_SCALE:
        raise UnusableValue(f"its scale, {one.scale_register}, did not come or is out of range")
    return value * Decimal(1).scaleb(exponent), f"{one.formula} × 10^{exponent}".strip()
