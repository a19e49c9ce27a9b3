"""Messages of one shape as rows, and whole numbers of them: what the lanes of all rules share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.binary.shapes import Varies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.codecs.binary.shapes import Cell, Shape

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = [
    "LIMIT",
    "Line",
    "Moment",
    "View",
    "archived",
    "cell_of",
    "is_absent",
    "moment_of",
    "reckoned",
]

# Numbers are kept below it, so that a sum of two fits.
LIMIT = 1 << 62


@dataclass(slots=True, eq=False)
class View:
    """Messages of one shape. good: those that the columns say everything of; it only shrinks."""

    shape: Shape
    octets: NDArray[np.uint8]
    good: Bools
    _raws: dict[int, Ints] = field(default_factory=dict)

    def raw(self, cell: Cell) -> Ints:
        """Messages × elements."""
        found = self._raws.get(id(cell))
        if found is None:
            found, good = cell.raw(self.octets)
            self.good &= good
            self._raws[id(cell)] = found
        return found

    def check(self) -> None:
        """All fields are read, so that those that must hold something else spoil the message."""
        for cell in self.shape.cells.values():
            if cell.const is not None or cell.most is not None:
                self.raw(cell)
            elif cell.kind == "digits":
                self.texts(cell)

    def texts(self, cell: Cell) -> list[str]:
        """A field as the text of an identity, "" where it is none."""
        if cell.kind == "text":
            return self._hexadecimal(cell)
        if cell.kind == "digits":
            texts = self._hexadecimal(cell)
            self.good &= np.array([text.isdecimal() for text in texts], np.bool_)
            return [str(int(text)) if text.isdecimal() else "" for text in texts]
        if not cell.is_plain:
            raise Varies
        return [str(number) for number in self.raw(cell)[:, 0].tolist()]

    def _hexadecimal(self, cell: Cell) -> list[str]:
        part = np.ascontiguousarray(self.octets[:, cell.start : cell.start + cell.size])
        text, length = part.tobytes().hex(), 2 * cell.size
        return [text[at : at + length] for at in range(0, length * len(part), length)]


class Line(NamedTuple):
    """value = raw × factor + offset."""

    factor: Fraction
    offset: Fraction

    def then(self, factor: Any, offset: Any = 0) -> Line:
        return Line(self.factor * factor, self.offset * factor + offset)

    def whole(self) -> tuple[int, int, int]:
        """(raw × top + plus) ÷ bottom."""
        bottom = math.lcm(self.factor.denominator, self.offset.denominator)
        return int(self.factor * bottom), int(self.offset * bottom), bottom


# The time of messages, or of the elements of a group: Unix seconds, 0: none.
Moment = Callable[[View], "Ints | None"]


def moment_of(reference: Any, shape: Shape, group: str = "") -> Moment:
    """The `at` of a rule or of a clock. What it gives is messages × 1, or × elements of a group."""
    if not isinstance(reference, str):
        raise Varies
    if not reference or reference == "$arrival.received_at":
        return lambda view: None
    cell = cell_of(reference, shape, group)
    if cell is None:
        return lambda view: None
    if cell.kind != "time" or cell.listed or cell.epoch is None:
        raise Varies
    epoch = int(cell.epoch.timestamp())
    known: Cell = cell

    def moment(view: View) -> Ints | None:
        raw = view.raw(known)
        absent = is_absent(raw, known)
        # The first second of 1970 stands for no time.
        view.good &= (absent | (raw != -epoch)).all(axis=1)
        return np.where(absent, 0, raw + epoch)

    return moment


def cell_of(reference: str, shape: Shape, group: str = "") -> Cell | None:
    """The cell of a reference; None: the shape has nothing of the name."""
    name = reference.removeprefix("$")
    if name.removeprefix(".").startswith("_"):
        raise Varies
    if group and name.startswith("."):
        name = f"{group}[]{name}"
    head, brackets, rest = name.partition("[]")
    plain = head.isidentifier() and (not brackets or rest[:1] == "." and rest[1:].isidentifier())
    if not reference.startswith("$") or not plain or name in shape.opaque:
        raise Varies
    cell = shape.cells.get(name)
    if cell is not None and cell.kind == "":
        raise Varies
    return cell


def is_absent(raw: Ints, cell: Cell) -> Bools:
    if not cell.absent:
        return np.zeros(raw.shape, np.bool_)
    return np.isin(raw, np.array(sorted(cell.absent), np.int64))


def reckoned(view: View, raw: Ints, line: Line, divisor: Ints | None = None) -> tuple[Ints, Any]:
    """Numerators and denominators; messages with numbers too large are left to one by one."""
    top, plus, bottom = line.whole()
    most = (LIMIT - 1 - abs(plus)) // max(1, abs(top))
    if bottom >= LIMIT or most <= 0:
        raise Varies
    fits = np.abs(raw) <= most
    lower: Any = bottom
    if divisor is not None:
        fits &= (divisor > 0) & (divisor <= (LIMIT - 1) // bottom)
        lower = np.where(fits, divisor, 1) * bottom
    view.good &= fits.all(axis=1)
    return np.where(fits, raw, 0) * top + plus, lower


def archived(top: Ints, bottom: Any, *, registered: bool) -> Ints:
    """Cut down; or rounded, half to even."""
    down = top // bottom
    if registered:
        return np.asarray(down)
    rest = 2 * (top - down * bottom)
    up = (rest > bottom) | ((rest == bottom) & (down & 1 == 1))
    return np.asarray(down + up)
