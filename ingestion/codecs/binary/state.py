"""What one decoding carries along, and the vocabulary of compiled steps.

A definition is compiled once into *steps*: functions that take a `State`, read from `octets` at
`pos` and put values into `tree` and `names`. What each value was read from is traced only when
somebody asked for items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ..errors import DecodeError
from ..telegram import NOTHING
from .limits import MAX_ITEMS, MAX_WORK

__all__ = [
    "OMITTED",
    "Body",
    "Convert",
    "Leaf",
    "Read",
    "State",
    "Step",
    "Trace",
    "mark",
    "run",
    "store",
]

_TOO_MUCH = "too much to decode in one message: loops, formulas or conditions must do less"


class _Omitted:
    def __repr__(self) -> str:
        return "OMITTED"


# The device said nothing that has a value: the field is left out.
OMITTED: Final = _Omitted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What is known of a value before any byte is read.

    `output` makes the name of the value from the state where the name depends on other values.
    Names that begin with "_" are bound for later fields but not said.
    """

    name: str
    var: str = ""
    unit: str = ""
    formula: str = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    valid: tuple[Any, Any] | None = None
    output: Callable[[State], str] | None = None
    shown: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown", bool(self.name) and not self.name.startswith("_"))


class Trace(NamedTuple):
    """One value read: its leaf, full name, value, what stood in the bytes, and where."""

    leaf: Leaf
    name: str
    value: Any
    raw: Any
    start: int
    end: int


_AROUND = Leaf(name="_")


class State:
    """One decoding. `end` bounds what the current part may read; `bit` counts bits of it used."""

    __slots__ = (
        "bit",
        "counts",
        "end",
        "items",
        "last",
        "names",
        "octets",
        "port",
        "pos",
        "prefix",
        "quality",
        "trace",
        "tree",
        "warnings",
        "work",
    )

    def __init__(
        self, octets: bytes, port: int | None, variables: Mapping[str, Any], *, traced: bool
    ) -> None:
        self.octets = octets
        self.end = len(octets)
        self.port = port
        self.pos = self.bit = self.last = 0
        self.names: dict[str, Any] = dict(variables)
        self.tree: dict[str, Any] = {}
        self.trace: list[Trace] | None = [] if traced else None
        self.prefix = ""
        self.warnings: list[str] = []
        self.quality: dict[str, str] = {}
        # How often an object of a name was met: the second is `name[1]`.
        self.counts: dict[str, int] = {}
        self.items, self.work = MAX_ITEMS, MAX_WORK

    def need(self, size: int) -> int:
        """Where the next `size` bytes end; refuses what is cut short."""
        end = self.pos + size
        if end > self.end or size < 0:
            left = max(0, self.end - self.pos)
            raise DecodeError(self.pos, f"needs {size} bytes, {left} left")
        return end

    def charge(self, weight: int) -> None:
        """Pays for one round of a loop."""
        self.work -= weight
        if self.work < 0:
            raise DecodeError(self.pos, _TOO_MUCH)


Step = Callable[[State], None]
# Reads at `pos`, moves on, and gives what stood there.
Read = Callable[[State], Any]
# Turns what stood there into the value, or OMITTED.
Convert = Callable[[Any, State], Any]


@dataclass(frozen=True, slots=True)
class Body:
    """A list of fields: its steps, the names that it binds, and what a round of it costs."""

    steps: tuple[Step, ...]
    names: frozenset[str]
    weight: int


def run(body: Body, state: State) -> None:
    for step in body.steps:
        step(state)


def mark(state: State, label: str, start: int, raw: Any = "") -> None:
    """Says what bytes around the values are: tags, padding, checksums."""
    if state.trace is not None and state.pos > start:
        state.trace.append(Trace(_AROUND, label, None, raw, start, state.pos))


def store(state: State, leaf: Leaf, value: Any, raw: Any, start: int, end: int = -1) -> None:
    """Binds a value to its names and says it; `end` where it lies behind what was moved on."""
    state.items -= 1
    if state.items < 0:
        raise DecodeError(start, f"more than {MAX_ITEMS} values")
    name = leaf.name
    if name:
        state.names[name] = value
    if leaf.var:
        state.names[leaf.var] = value
    if leaf.output is not None:
        name = leaf.output(state)
    if leaf.shown:
        state.tree[name] = value
        if leaf.valid is not None:
            _judge(state, leaf, name, value)
    if state.trace is not None:
        full = state.prefix + name
        state.trace.append(Trace(leaf, full, value, raw, start, max(end, state.pos)))


def _judge(state: State, leaf: Leaf, name: str, value: Any) -> None:
    """The language's quality of a value that has a valid range."""
    valid = leaf.valid
    if valid is None or isinstance(value, bool) or not hasattr(value, "as_integer_ratio"):
        return
    inside = valid[0] <= value <= valid[1]
    state.quality[state.prefix + name] = "good" if inside else "out_of_range"
    if not inside:
        state.warnings.append(f"{state.prefix}{name}: {value} is outside {valid[0]} to {valid[1]}")
