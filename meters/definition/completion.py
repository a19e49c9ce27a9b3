"""What an editor offers at a place of a definition."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Path
from .language import PARTS, keys_of
from .shapes import Either, Listed, Shape, Text
from .vocabulary import Vocabulary

__all__ = ["choices_at", "keys_at"]


def keys_at(path: Path) -> list[tuple[str, str]]:
    """Keys that may stand in the mapping at a path (() is the top), each with its sentence."""
    return [(key.name, key.doc) for part in _parts_at(path) for key in PARTS[part]]


def choices_at(path: Path, vocabulary: Vocabulary) -> list[str]:
    """Words that may stand as the value at a path; empty where it is free."""
    *above, key = path or ("",)
    if key == "reading_type":
        return sorted(vocabulary.reading_types)
    if _is_event(tuple(above), key):
        return sorted(vocabulary.events)
    while isinstance(key, int) and above:
        # An entry of a list of words.
        key = above.pop()
    shapes = _shapes(_parts_at(tuple(above)), str(key))
    return [word for shape in shapes for word in _words(shape)]


def _is_event(above: Path, key: object) -> bool:
    """Whether an event's name is the value: its code, or an entry of its tables."""
    return above[:1] == ("events",) and (key == "code" or above[-1:] in {("bits",), ("values",)})


def _parts_at(path: Path) -> tuple[str, ...]:
    parts: tuple[str, ...] = ("definition",)
    for step in path:
        if isinstance(step, int):
            continue
        shapes = _shapes(parts, str(step))
        if not shapes:
            # A key that the writer chose: the parts stay those below the mapping.
            continue
        parts = tuple(name for shape in shapes for name in shape.parts())
    return parts


def _shapes(parts: tuple[str, ...], key: str) -> list[Shape]:
    """What may stand behind a key of any of these parts."""
    return [keys_of(part)[key].shape for part in parts if key in keys_of(part)]


def _words(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Text):
        yield from shape.choices
    elif isinstance(shape, Either):
        for one in shape.shapes:
            yield from _words(one)
    elif isinstance(shape, Listed):
        yield from _words(shape.of)
