"""Tag, length, value: a loop of tagged entries until the end.

The language's form has `tag_size` or `tag_fields` and `tag_key`, `length_size`, cases by number or
`"[1, 103]"` (with `!0` for all but, `*` for any), `merge`, `unknown`, `reserve`. The metering form
has `tag: [u8, u8]`, `length: implicit | u8`, `stop_before_end`, and cases by the tag's bytes in
hexadecimal (`'01 75'`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DecodeError
from .builder import Builder, Part, Scope
from .errors import Place, SchemaError
from .groups import enter
from .keys import BLOCKS
from .labels import integer_key
from .limits import PATTERNS_A_FIELD
from .references import size_reference
from .scalars import Scalar, scalar
from .state import Body, Read, State, mark

__all__ = ["compile_tlv"]

Field = Mapping[str, Any]
Tag = tuple[Any, ...]

_UNKNOWN = ("skip", "stop", "error", "raw")


@dataclass(frozen=True, slots=True)
class _Layout:
    """The compiled loop. `patterns` are keys with `!` or `*`, the more particular ones first."""

    tag: tuple[Read, ...]
    key: tuple[int, ...]
    length: Read | None
    exact: Mapping[Tag, Body]
    patterns: tuple[tuple[Callable[[Tag], bool], Body], ...]
    default: Body | None
    merge: bool
    unknown: str

    def find(self, tag: Tag) -> Body | None:
        body = self.exact.get(tag)
        if body is None:
            body = next((body for fits, body in self.patterns if fits(tag)), self.default)
        return body


def compile_tlv(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    spec, at = (field["tlv"], (*place, "tlv")) if "tlv" in field else (field, place)
    if not isinstance(spec, Mapping):
        raise SchemaError(at, "expected {tag_size, cases}")
    if "tlv" in field:
        builder.check_keys(spec, BLOCKS["tlv"], at)
    layout = _layout(builder, spec, at, scope)
    reserve = size_reference(spec.get("reserve", spec.get("stop_before_end", 0)), at)
    bodies = [*layout.exact.values(), *(body for _, body in layout.patterns)]

    def step(state: State) -> None:
        spared = reserve(state)
        if state.end - spared < state.pos:
            raise DecodeError(state.pos, f"{spared} bytes expected behind the tags")
        outer, state.end = state.end, state.end - spared
        _loop(state, layout)
        state.end = outer

    names = frozenset().union(*(body.names for body in bodies))
    return Part(step, names, max((body.weight for body in bodies), default=0) + 1)


# --- decoding ----------------------------------------------------------------------------------


def _loop(state: State, layout: _Layout) -> None:
    channels: list[dict[str, Any]] = []
    while state.pos < state.end:
        entry = state.pos
        parts = [read(state) for read in layout.tag]
        tag = tuple(parts[place] for place in layout.key)
        mark(state, f"tag {_spoken(tag)}", entry)
        size = layout.length(state) if layout.length is not None else None
        end = state.end if size is None else state.need(size)
        body = layout.find(tag)
        state.charge(1 + len(layout.patterns) // PATTERNS_A_FIELD)
        if body is None:
            if not _unknown(state, layout, tag, entry, None if size is None else end, channels):
                break
            continue
        state.charge(body.weight)
        _entry(state, layout, tag, body, end, channels)
        if size is not None:
            state.pos = end
        if state.pos <= entry:
            raise DecodeError(entry, "a tagged entry takes no bytes")
    if channels:
        state.tree["channels"] = channels


def _entry(
    state: State,
    layout: _Layout,
    tag: Tag,
    body: Body,
    end: int,
    channels: list[dict[str, Any]],
) -> None:
    outer, state.end = state.end, end
    prefix = state.prefix if layout.merge else f"{state.prefix}channels[{len(channels)}]."
    made = enter(state, body, prefix)
    state.end = outer
    if layout.merge:
        _merge(state.tree, made)
    else:
        channels.append({"tag": list(tag), **made})


def _merge(tree: dict[str, Any], made: dict[str, Any]) -> None:
    """A tag that comes again makes a list of its values."""
    for name, value in made.items():
        if name not in tree:
            tree[name] = value
            continue
        before = tree[name]
        values = before if isinstance(before, list) else [before]
        tree[name] = values + (value if isinstance(value, list) else [value])


def _unknown(
    state: State,
    layout: _Layout,
    tag: Tag,
    entry: int,
    end: int | None,
    channels: list[dict[str, Any]],
) -> bool:
    """Whether the loop goes on behind a tag that no case names."""
    spoken = _spoken(tag)
    if layout.unknown == "error":
        raise DecodeError(entry, f"unknown tag {spoken}")
    if layout.unknown == "raw":
        stop = state.end if end is None else end
        raw = {"tag": list(tag), "raw": state.octets[state.pos : stop].hex()}
        state.items -= 1
        unknown = state.tree.setdefault("unknown_tags", []) if layout.merge else channels
        unknown.append(raw)
        state.pos = stop
        return end is not None
    if end is not None and layout.unknown == "skip":
        state.warnings.append(
            f"byte {entry}: unknown tag {spoken}, {end - state.pos} bytes skipped"
        )
        state.pos = end
        return True
    state.warnings.append(f"byte {entry}: unknown tag {spoken}, {state.end - entry} bytes not read")
    state.pos = state.end
    return False


def _spoken(tag: Tag) -> str:
    return " ".join(f"{part:02X}" if isinstance(part, int) else str(part) for part in tag)


# --- compiling ---------------------------------------------------------------------------------


def _layout(builder: Builder, spec: Field, place: Place, scope: Scope) -> _Layout:
    tags, key = _tags(spec, place, scope)
    exact, patterns, default = _cases(builder, spec, place, scope, tags)
    unknown = str(spec.get("unknown", "skip"))
    if unknown not in _UNKNOWN:
        raise SchemaError((*place, "unknown"), f"one of {', '.join(_UNKNOWN)}")
    return _Layout(
        tuple(tag.read for tag in tags),
        key,
        _length(spec, place, scope),
        exact,
        patterns,
        default,
        merge=spec.get("merge", True) is not False,
        unknown=unknown,
    )


def _tags(spec: Field, place: Place, scope: Scope) -> tuple[list[Scalar], tuple[int, ...]]:
    """The readers of a tag, and which of them make the key."""
    if "tag" in spec:
        kinds = spec["tag"] if isinstance(spec["tag"], list) else [spec["tag"]]
        fields: list[Any] = [{"type": kind} for kind in kinds]
        at = (*place, "tag")
    elif "tag_fields" in spec:
        fields, at = spec["tag_fields"], (*place, "tag_fields")
    elif "tag_type" in spec:
        fields, at = [{"type": spec["tag_type"]}], (*place, "tag_type")
    else:
        size = spec.get("tag_size", 1)
        fields, at = [{"type": f"u{8 * size}" if isinstance(size, int) else size}], place
    if not isinstance(fields, list) or not 0 < len(fields) <= 8:
        raise SchemaError(at, "a tag has 1 to 8 parts")
    if not all(isinstance(field, Mapping) and "type" in field for field in fields):
        raise SchemaError(at, "each part of a tag has a name and a type")
    tags = [scalar(field, (*at, index), scope) for index, field in enumerate(fields)]
    names = [field.get("name") for field in fields]
    wanted = spec.get("tag_key", names)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if any(name not in names for name in wanted):
        raise SchemaError((*place, "tag_key"), f"names of tag_fields: {names}")
    if wanted == names:
        return tags, tuple(range(len(tags)))
    return tags, tuple(names.index(name) for name in wanted)


def _length(spec: Field, place: Place, scope: Scope) -> Read | None:
    kind = spec.get("length", spec.get("length_type", spec.get("length_size", 0)))
    if kind in (0, "implicit", None):
        return None
    kind = f"u{8 * kind}" if isinstance(kind, int) else kind
    return scalar({"type": kind}, (*place, "length"), scope).read


_Cases = tuple[dict[Tag, Body], tuple[tuple[Callable[[Tag], bool], Body], ...], "Body | None"]


def _cases(builder: Builder, spec: Field, place: Place, scope: Scope, tags: list[Scalar]) -> _Cases:
    cases = spec.get("cases", spec.get("tags", {}))
    if not isinstance(cases, Mapping):
        raise SchemaError((*place, "cases"), "expected fields by tag")
    exact: dict[Tag, Body] = {}
    patterns: list[tuple[int, Callable[[Tag], bool], Body]] = []
    default = None
    for key, fields in cases.items():
        at = (*place, "cases", key if isinstance(key, int) else str(key))
        body = builder.body(fields, at, scope.deeper())
        if key in ("default", "_"):
            default = body
            continue
        parts = _hexadecimal(key, tags, at) if "tag" in spec else _parts(key)
        if _plain(parts):
            exact.setdefault(tuple(integer_key(part) for part in parts), body)
        else:
            patterns.append((1 + ("*" in parts), _pattern(parts, at), body))
    patterns.sort(key=lambda row: row[0])
    return exact, tuple((fits, body) for _, fits, body in patterns), default


def _parts(key: Any) -> tuple[Any, ...]:
    if isinstance(key, (tuple, list)):
        return tuple(key)
    text = str(key).strip()
    if isinstance(key, str) and text.startswith("["):
        return tuple(part.strip().strip("'\"") for part in text.strip("[]").split(","))
    return (key,)


def _hexadecimal(key: Any, tags: list[Scalar], place: Place) -> tuple[Any, ...]:
    """'01 75' as the values that the tag's types read from these bytes; a number as itself."""
    if not isinstance(key, str) or len(tags) == 1 and key.startswith("0x"):
        return _parts(key)
    try:
        state = State(bytes.fromhex(key), None, {}, traced=False)
        values = tuple(tag.read(state) for tag in tags)
    except (ValueError, DecodeError) as error:
        raise SchemaError(place, "a case names the bytes of its tag in hexadecimal") from error
    if state.pos != state.end:
        raise SchemaError(place, "more bytes than the tag has")
    return values


def _plain(parts: tuple[Any, ...]) -> bool:
    return all(integer_key(part) is not None for part in parts)


def _pattern(parts: tuple[Any, ...], place: Place) -> Callable[[Tag], bool]:
    if len(parts) == 1 and ".." in str(parts[0]):
        low, high = (integer_key(end) for end in str(parts[0]).split("..", 1))
        if low is None or high is None:
            raise SchemaError(place, f"{parts[0]!r} is not a range")
        return lambda tag: len(tag) == 1 and low <= tag[0] <= high
    checks = [_part(str(part), place) for part in parts]
    return lambda tag: (
        len(tag) == len(checks)
        and all(check(value) for check, value in zip(checks, tag, strict=True))
    )


def _part(text: str, place: Place) -> Callable[[Any], bool]:
    if text == "*":
        return lambda value: True
    refused = text.startswith("!")
    number = integer_key(text.removeprefix("!").strip())
    if number is None:
        raise SchemaError(place, f"{text!r} is not a part of a tag")
    return lambda value: (value == number) != refused
