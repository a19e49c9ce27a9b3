"""Messages of one shape: where each value stands in all of them, read in columns.

A message shows which way a layout goes: what its cases, conditions and repeats go by is pinned, and
every message of the same length with the same pins has the same fields at the same bytes. What
depends on the message otherwise has no shape, and is decoded by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DecodeError
from .builder import Scope
from .conditions import compile_condition
from .errors import SchemaError
from .leaves import leaf_of
from .limits import DEFAULT_REPEAT, MAX_ITEMS
from .matching import chosen_fields
from .numbers import exact
from .scalars import Scalar, scalar
from .state import State
from .times import epoch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .decoder import BinaryDecoder

__all__ = ["Cell", "Shape", "shape_of"]

_MOST_VALUES, _MOST_CELLS = 4_000, 500
_WIDEST = 56
_WORD = re.compile(r"[A-Za-z_]\w*")
# A field with one of these is decoded by itself; so is what is made of several fields.
_VARYING = frozenset(
    {
        *("at", "peek", "flagged", "tlv", "object", "$ref", "use", "name_from", "encoding", "var"),
        *("formula", "transform", "match_value", "out_of_range", "byte_length", "count", "until"),
        *("index", "present_if", "trailer", "reserve", "carry", "append", "count_as", "identity"),
        *("byte_group", "count_field", "signed", "values", "switch", "guard"),
    }
)
# Values made of other values, without bytes of their own and without a way to fail.
_COMPUTED = frozenset({"running", "compute", "ref", "value"})
_TO_END = ("until_end", "until_last")
_SIZES = {"hex": "text", "bcd": "digits", "ascii": "", "bytes": "", "base64": "", "string": ""}
_LABELLED = frozenset({"lookup", "round"})
_SCALED = ("mult", "div", "add")


class Varies(Exception):
    """The message has no shape that others could have too."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field. group: the repeated group that it is in.

    A number is raw × factor + offset; a time so many seconds after `epoch`; `kind` "text" is
    hexadecimal, "digits" are decimal; "" is nothing that is read in columns. absent: raw numbers
    that mean no value; most: the largest that is no fault.
    """

    name: str
    unit: str
    start: int
    size: int
    kind: str = "number"
    group: str = ""
    order: str = "big"
    # The first bit; with `packed` counted from that end of `start` that `order` names.
    low: int = 0
    width: int = 0
    signed: bool = False
    packed: bool = False
    listed: bool = False
    count: int = 1
    stride: int = 0
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    epoch: datetime | None = None
    absent: frozenset[int] = frozenset()
    most: int | None = None
    const: int | None = None

    @property
    def is_plain(self) -> bool:
        """A number that is the value as it stands."""
        return self.kind == "number" and self.factor == 1 and not (self.offset or self.absent)

    def raw(self, octets: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows × count, and which rows have only numbers that can be reckoned with."""
        word = self._words(octets)
        good = np.ones(len(octets), np.bool_)
        if self.width == 64:
            good = (word >> np.uint64(62) == 0).all(axis=1)
        values = word.astype(np.int64)
        if self.signed and self.width < 64:
            top = np.int64(1) << (self.width - 1)
            values = (values ^ top) - top
        if self.most is not None:
            good &= (values <= self.most).all(axis=1)
        if self.const is not None:
            good &= (values == self.const).all(axis=1)
        return values, good

    def _words(self, octets: NDArray[np.uint8]) -> NDArray[np.uint64]:
        first = self.start + self.stride * np.arange(self.count)
        shift = np.full(self.count, self.low, np.uint64)
        size = self.size
        if self.packed:
            bits = self.low + self.width * np.arange(self.count)
            first, size = self.start + (bits >> 3), (7 + self.width + 7) // 8
            within = bits & 7
            shift = (within if self.order == "little" else 8 * size - within - self.width).astype(
                np.uint64
            )
            spare = int(first[-1]) + size - octets.shape[1]
            octets = np.pad(octets, ((0, 0), (0, max(0, spare))))
        places = range(size) if self.order == "little" else range(size - 1, -1, -1)
        total = np.zeros((len(octets), self.count), np.uint64)
        for byte, place in enumerate(places):
            total |= octets[:, first + byte].astype(np.uint64) << np.uint64(8 * place)
        return total >> shift & np.uint64((1 << self.width) - 1)

    def of_one(self, payload: bytes) -> int:
        """The raw number of one message."""
        values, _good = self.raw(np.frombuffer(payload, np.uint8)[None, :])
        return int(values[0, 0])


@dataclass(frozen=True, slots=True)
class Shape:
    """length: of the messages; pins: what these cells must hold. opaque: names that are values,
    but none of the cells."""

    length: int
    cells: Mapping[str, Cell]
    pins: tuple[tuple[Cell, int], ...]
    opaque: frozenset[str]

    @property
    def values(self) -> int:
        """In each message."""
        return sum(cell.count for cell in self.cells.values())

    def fits(self, octets: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of these messages of its length have this shape."""
        fitting = np.ones(len(octets), np.bool_)
        for cell, value in self.pins:
            values, _good = cell.raw(octets)
            fitting &= values[:, 0] == value
        return fitting


def shape_of(decoder: BinaryDecoder, octets: bytes, port: int | None = None) -> Shape | None:
    """The shape that this message has, and others of its port; None: none, or it can't be read."""
    schema = decoder.schema
    if schema.rejects:
        return None
    try:
        state, layout = decoder.probe(octets, port)
        if schema.assembly is not None and schema.assembly.part in state.tree:
            # What it says depends on messages before it.
            return None
        walk = _Walk(state, layout.endian, _declared(layout.fields))
        walk.fields(layout.fields)
    except (DecodeError, SchemaError, Varies):
        return None
    shape = Shape(len(octets), walk.cells, tuple(walk.pins.values()), frozenset(walk.opaque))
    return shape if 0 < shape.values <= _MOST_VALUES else None


def _declared(fields: Any) -> frozenset[str]:
    """Every name that any case of a layout gives."""
    if isinstance(fields, Mapping):
        own = {fields["name"]} if isinstance(fields.get("name"), str) else set()
        return frozenset(own).union(*map(_declared, fields.values()))
    if isinstance(fields, list | tuple):
        return frozenset().union(*map(_declared, fields))
    return frozenset()


@dataclass(slots=True)
class _Walk:
    """A layout as far as it was gone through beside one message that was read."""

    state: State
    endian: str
    declared: frozenset[str]
    place: int = 0
    bit: int = 0
    group: str = ""
    cells: dict[str, Cell] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)
    pins: dict[str, tuple[Cell, int]] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return len(self.state.octets) - self.place

    def fields(self, listed: Any) -> None:
        for one in listed if isinstance(listed, list | tuple) else [listed]:
            if not isinstance(one, Mapping) or _VARYING & set(one):
                raise Varies
            if "if" in one and not self.holds(one["if"]):
                continue
            if one.get("optional") and not self.left:
                continue
            self.one(one)
        self.align()

    def holds(self, spec: Any) -> bool:
        """A condition, by what the message says; that is pinned."""
        for word in _words(spec):
            if word in self.cells:
                self.pin(word)
            elif word in self.declared or word == "config":
                raise Varies
        return compile_condition(spec, ())(self.state)

    def pin(self, name: str) -> None:
        cell = self.cells.get(name)
        if cell is None or cell.group or cell.listed or cell.kind not in ("number", "flag"):
            raise Varies
        self.pins[name] = cell, cell.of_one(self.state.octets)

    def one(self, spec: Mapping[str, Any]) -> None:
        kind = spec.get("type")
        if "match" in spec:
            self.match(spec)
        elif "repeat" in spec and "fields" in spec:
            self.repeated(spec)
        elif kind == "skip":
            self.align()
            self.move(self.size(spec))
        elif _COMPUTED & set(spec):
            name = str(spec.get("name", ""))
            if kind not in ("number", "string") or isinstance(spec.get("lookup"), list):
                raise Varies
            if name in self.cells or name in self.opaque:
                raise Varies
            self.opaque.add(name)
        elif isinstance(kind, str):
            self.value(spec, kind.strip().lower())
        else:
            raise Varies

    def match(self, spec: Mapping[str, Any]) -> None:
        name = spec["match"]
        if not isinstance(name, str) or self.group:
            raise Varies
        name = name.removeprefix("$")
        self.align()
        self.pin(name)
        chosen = chosen_fields(spec, self.state.names.get(name))
        if chosen is not None:
            self.fields(chosen)

    def repeated(self, spec: Mapping[str, Any]) -> None:
        """A group of fields until the end, or so often as is written."""
        if self.group or not isinstance(spec.get("name"), str):
            raise Varies
        self.align()
        group, listed = spec["name"], spec["fields"]
        if any({"if", "optional", "match", "repeat"} & set(one) for one in listed):
            raise Varies
        inner = replace(self, group=group, cells={}, opaque=set())
        inner.fields(listed)
        size = inner.place - self.place
        count = self.count(spec, size)
        for name, cell in inner.cells.items():
            self.add(f"{group}[].{name}", replace(cell, count=count, stride=size))
        self.opaque |= {group, *(f"{group}[].{name}" for name in inner.opaque)}
        self.move(size * count)

    def count(self, spec: Mapping[str, Any], size: int) -> int:
        """Elements of a repeat, which fill the bytes that they should."""
        repeat = spec["repeat"]
        if repeat in _TO_END:
            room = self.left - self.tail(spec.get("tail"))
            if size <= 0 or room % size:
                raise Varies
            count = room // size
        elif isinstance(repeat, int) and not isinstance(repeat, bool):
            count = repeat
        else:
            raise Varies
        most = spec.get("max", MAX_ITEMS)
        least = spec.get("min", 0)
        if not isinstance(most, int) or not isinstance(least, int):
            raise Varies
        if not max(1, least) <= count <= min(most, DEFAULT_REPEAT):
            raise Varies
        return count

    def tail(self, spec: Any) -> int:
        if spec is None:
            return 0
        size = spec.get("bytes") if isinstance(spec, Mapping) else spec
        if not isinstance(size, int):
            raise Varies
        spared = not isinstance(spec, Mapping) or "when" not in spec or self.holds(spec["when"])
        return size if spared else 0

    def size(self, spec: Mapping[str, Any]) -> int:
        size = spec.get("length", 1)
        if size == "remaining":
            return self.left
        if not isinstance(size, int) or size < 0:
            raise Varies
        return size

    def value(self, spec: Mapping[str, Any], kind: str) -> None:
        if kind in _SIZES:
            self.align()
            cell = Cell(
                str(spec.get("name", "")), "", self.place, self.size(spec), _SIZES[kind], self.group
            )
            if {"repeat", "const", *_SCALED, *_LABELLED, "time", "sentinel"} & set(spec) or (
                kind == "bcd" and str(spec.get("endian", self.endian)) != "big"
            ):
                cell = replace(cell, kind="")
                if kind == "bcd" or {"repeat", "const"} & set(spec):
                    raise Varies
            self.put(cell)
            return
        found = scalar(spec, (), Scope(self.endian))
        cell = self.cell(spec, kind, found)
        if found.loose:
            self.packed(spec, found, cell)
            return
        self.align()
        if found.size is None:
            raise Varies
        cell = replace(cell, start=self.place)
        consumed = found.size
        if found.low >= 0:
            consumed = spec.get("consume", found.size if "bits" in spec else 0)
            self.reach(found.size)
        if "repeat" in spec:
            if found.low >= 0:
                raise Varies
            count = self.count(spec, found.size)
            cell = replace(cell, count=count, stride=found.size, listed=True)
            consumed *= count
        self.put(cell, int(consumed))

    def cell(self, spec: Mapping[str, Any], kind: str, found: Scalar) -> Cell:
        """A number, a flag or a time, as far as columns know it."""
        bare = kind.removeprefix("le_").removeprefix("be_")
        order = {"le_": "little", "be_": "big"}.get(kind[:3], str(spec.get("endian", self.endian)))
        size, signed, order = found.numeric or (found.size or 0, bare[:1] in "si", order)
        order = "little" if kind == "bool" else order
        unit = leaf_of(spec, ()).unit
        cell = Cell(str(spec.get("name", "")), unit, 0, size, group=self.group, order=order)
        cell = replace(cell, low=max(found.low, 0), width=found.bits or 8 * size, signed=signed)
        if not found.bits or cell.width > 64 or size > 8 or found.first or kind == "enum":
            return self.checked(spec, replace(cell, kind=""))
        if kind == "bool":
            return self.checked(spec, replace(cell, kind="flag"), plain=True)
        return self.checked(spec, self.scaled(spec, cell))

    def checked(self, spec: Mapping[str, Any], cell: Cell, *, plain: bool = False) -> Cell:
        """With what must not be, and what says nothing."""
        extra = {*_SCALED, *_LABELLED, "time", "sentinel"} & set(spec)
        if "const" in spec:
            if extra or cell.kind != "number" or not isinstance(spec["const"], int):
                raise Varies
            return replace(cell, const=spec["const"])
        if plain and extra:
            raise Varies
        return cell

    def scaled(self, spec: Mapping[str, Any], cell: Cell) -> Cell:
        labels = spec.get("lookup")
        if _LABELLED & set(spec):
            if isinstance(labels, list | tuple):
                if {*_SCALED, "round", "sentinel", "time"} & set(spec):
                    raise Varies
                return replace(cell, kind="", most=len(labels) - 1)
            return replace(cell, kind="")
        cell = replace(cell, absent=_absent(spec.get("sentinel")))
        if "time" in spec:
            epoch = epoch_of(spec["time"])
            plain = not set(_SCALED) & set(spec) and not cell.signed and cell.width <= 32
            return replace(cell, kind="time" if epoch and plain else "", epoch=epoch)
        numbers = [exact(spec[key]) if key in spec else None for key in _SCALED]
        if any(one is None and key in spec for key, one in zip(_SCALED, numbers, strict=True)):
            raise Varies
        by, parts, plus = (Fraction(one) if one is not None else None for one in numbers)
        factor = by if by is not None else Fraction(1)
        if parts is not None:
            if not parts or not _ends(parts):
                return replace(cell, kind="")
            factor /= parts
        if len(str(factor)) > 40:
            return replace(cell, kind="")
        return replace(cell, factor=factor, offset=plus or Fraction(0))

    def packed(self, spec: Mapping[str, Any], found: Scalar, cell: Cell) -> None:
        """Bits right behind the bits before them."""
        count = spec.get("repeat")
        listed = count is not None
        if listed and (not isinstance(count, int) or not 0 < count <= MAX_ITEMS):
            raise Varies
        kind = str(spec["type"]).strip().lower()
        if found.bits > _WIDEST or self.group or kind[0] == "s":
            raise Varies
        order = str(spec.get("bit_order", spec.get("endian", self.endian)))
        order = order if kind.startswith("bits") else "big"
        number = count if isinstance(count, int) else 1
        cell = replace(cell, start=self.place, low=self.bit, width=found.bits, order=order)
        cell = replace(cell, packed=True, listed=listed, count=number, signed=False)
        bits = self.bit + found.bits * number
        self.reach((bits + 7) >> 3)
        self.add(cell.name, cell)
        self.place, self.bit = self.place + (bits >> 3), bits & 7

    def align(self) -> None:
        if self.bit:
            self.place, self.bit = self.place + 1, 0

    def put(self, cell: Cell, consumed: int | None = None) -> None:
        self.reach(cell.size * (cell.count if cell.listed else 1))
        self.add(cell.name, cell)
        self.move(cell.size if consumed is None else consumed)

    def reach(self, size: int) -> None:
        if size > self.left:
            raise Varies

    def move(self, size: int) -> None:
        self.reach(size)
        self.place += size

    def add(self, name: str, cell: Cell) -> None:
        """A name twice, or one of a value that is no cell too, is decoded by itself."""
        if len(self.cells) >= _MOST_CELLS:
            raise Varies
        if not name or name in self.cells or name in self.opaque:
            raise Varies
        self.cells[name] = cell


def _words(spec: Any) -> Iterator[str]:
    if isinstance(spec, str):
        yield from _WORD.findall(spec)
    elif isinstance(spec, Mapping):
        for key, value in spec.items():
            yield from _words(str(key))
            yield from _words(value)
    elif isinstance(spec, Sequence):
        for one in spec:
            yield from _words(one)


def _absent(spec: Any) -> frozenset[int]:
    listed = spec if isinstance(spec, list | tuple) else [] if spec is None else [spec]
    if not all(isinstance(one, int) and abs(one) < 1 << 62 for one in listed):
        raise Varies
    return frozenset(listed)


def _ends(divisor: Fraction) -> bool:
    """Whether dividing by it gives a decimal that ends: 3 does not."""
    rest = abs(divisor.numerator)
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1
