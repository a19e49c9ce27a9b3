"""The decoder of one compiled definition: bytes in, a telegram or a tree out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DecodeError
from ..telegram import NOTHING, Item, Telegram
from .assembly import Assembly
from .errors import Place, SchemaError
from .limits import MAX_OCTETS
from .schema import Layout, Schema, compile_layouts
from .state import State, Trace, run

__all__ = ["BinaryDecoder", "compile_schema"]


def compile_schema(definition: Mapping[str, Any], *, strict: bool = False) -> BinaryDecoder:
    """A decoder of the definition; raises `SchemaError(path, reason)` where it is wrong.

    `strict` also refuses keys that nobody knows, which a Payload Schema may have.
    """
    try:
        return BinaryDecoder(compile_layouts(definition, strict=strict))
    except SchemaError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise SchemaError((), f"a value is of the wrong kind: {error}") from error


@dataclass(slots=True)
class BinaryDecoder:
    """Decodes messages of one definition. Holds nothing of them; safe to share."""

    schema: Schema

    @property
    def notes(self) -> tuple[tuple[Place, str], ...]:
        """Keys that were accepted though nobody knows them: where, and what may be meant."""
        return self.schema.notes

    def decode(
        self,
        octets: bytes,
        *,
        port: int | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Telegram:
        """The message as items with their bytes, and as a tree.

        `variables` are names that come along (`config`, `received_at`), for references of the
        definition. Raises `DecodeError` and nothing else, whatever the bytes.
        """
        state = self._run(octets, port, variables, traced=True)
        items, layers = _items(state.trace or ())
        return Telegram(
            kind="binary",
            octets=state.octets,
            items=items,
            layers=layers,
            warnings=tuple(state.warnings),
            tree=state.tree,
        )

    def decode_tree(
        self,
        octets: bytes,
        *,
        port: int | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The tree alone, in a third of the time."""
        return self._run(octets, port, variables, traced=False).tree

    def assemble(
        self, before: Assembly | None, tree: Mapping[str, Any]
    ) -> tuple[Assembly | None, bool]:
        """A series over messages with one more of them, and whether this one belonged to it."""
        plan = self.schema.assembly
        if plan is None or not plan.concerns(tree):
            return before, False
        return plan.take(before, tree), True

    def is_summed_up(self, octets: bytes) -> bool:
        """Whether the checksums that the layout asks for are right."""
        if not self.schema.checksums:
            return True
        state = State(octets, None, {}, traced=False)
        try:
            for check in self.schema.checksums:
                check(state)
        except DecodeError:
            return False
        return not state.warnings

    def probe(self, octets: bytes, port: int | None) -> tuple[State, Layout]:
        """What a message binds to names, and by which layout. Refuses what `decode` refuses."""
        state = self._run(octets, port, None, traced=False)
        chosen = State(octets, port, _names(len(octets), port, None), traced=False)
        return state, self._layout(chosen)

    def _run(
        self, octets: bytes, port: int | None, variables: Mapping[str, Any] | None, *, traced: bool
    ) -> State:
        if len(octets) > MAX_OCTETS:
            raise DecodeError(MAX_OCTETS, f"longer than {MAX_OCTETS} bytes")
        state = State(bytes(octets), port, _names(len(octets), port, variables), traced=traced)
        try:
            self._read(state)
        except DecodeError:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            # A definition may ask of a value what its kind cannot do; the message is not read then.
            raise DecodeError(min(state.pos, len(octets)), f"cannot be decoded: {error}") from error
        return state

    def _read(self, state: State) -> None:
        for check in self.schema.checksums:
            check(state)
        run(self._layout(state).body, state)
        for rule in self.schema.rejects:
            if rule.holds(state):
                raise DecodeError(0, rule.why)
        _finish(state)

    def _layout(self, state: State) -> Layout:
        ports = self.schema.ports
        if ports:
            return _of_port(ports, state.port)
        for layout in self.schema.layouts:
            if layout.holds is None or layout.holds(state):
                return layout
        raise DecodeError(0, f"no variant for {len(state.octets)} bytes on port {state.port}")


def _names(length: int, port: int | None, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    names: dict[str, Any] = {"length": length}
    if port is not None:
        names["port"] = port
    names.update(variables or NOTHING)
    return names


def _of_port(ports: Mapping[int | None, Layout], port: int | None) -> Layout:
    layout = ports.get(port) or ports.get(None)
    if layout is None and port is None and len(ports) == 1:
        return next(iter(ports.values()))
    if layout is None:
        raise DecodeError(0, f"no layout for port {port}")
    return layout


def _finish(state: State) -> None:
    left = state.end - state.pos
    if left > 0:
        state.warnings.append(f"byte {state.pos}: {left} bytes behind the last field not read")
    if state.quality:
        state.tree["_quality"] = dict(state.quality)


def _items(traces: Iterable[Trace]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Items and layers; a name that comes again is numbered."""
    shown = [trace for trace in traces if trace.leaf.shown]
    around = [trace for trace in traces if not trace.leaf.shown]
    names = _numbered([trace.name for trace in shown])
    items = tuple(_item(trace, name) for trace, name in zip(shown, names, strict=True))
    return items, tuple(_item(trace, trace.name) for trace in around)


def _numbered(names: list[str]) -> list[str]:
    if len(set(names)) == len(names):
        return names
    times = Counter(names)
    counted: Counter[str] = Counter()
    numbered = []
    for name in names:
        counted[name] += 1
        numbered.append(f"{name}[{counted[name] - 1}]" if times[name] > 1 else name)
    return numbered


def _item(trace: Trace, name: str) -> Item:
    leaf = trace.leaf
    read = trace.end > trace.start
    return Item(
        name=name,
        value=trace.value,
        unit=leaf.unit,
        start=trace.start if read else -1,
        end=trace.end if read else -1,
        raw=_spoken(trace.raw),
        formula=leaf.formula,
        facts=leaf.facts,
    )


def _spoken(raw: Any) -> str:
    if isinstance(raw, list):
        return f"{len(raw)} values"
    return raw.hex() if isinstance(raw, bytes) else str(raw)
