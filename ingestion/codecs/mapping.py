"""Reading a layout that a person wrote: strict keys, typed values, and the place of every fault.

A layout comes as plain mappings and lists (from YAML). What is wrong with it is a `MappingError`
with the path of keys that leads there, so that an editor can mark the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TypeVar

__all__ = ["MappingError", "Path", "Section", "exact"]

Path = tuple[str | int, ...]
_Chosen = TypeVar("_Chosen")
_LONGEST_NUMBER = 64


class MappingError(ValueError):
    """A fault of a layout: `path` of keys and list places to it, and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path)) or 'the layout'}: {self.reason}"


def exact(value: object) -> Decimal | None:
    """The exact number of a YAML scalar; None when it is none. 0.1 is a tenth, not its float."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if len(text := str(value)) > _LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _LONGEST_NUMBER else None


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping of a layout and the path of keys to it."""

    values: Mapping[str, object]
    path: Path = ()

    def error(self, key: str | None, reason: str) -> MappingError:
        return MappingError(self.path if key is None else (*self.path, key), reason)

    def only(self, known: Sequence[str]) -> None:
        """Refuse a key that is not known, naming the nearest that is."""
        for key in self.values:
            if key not in known:
                near = get_close_matches(str(key), known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise self.error(str(key), f"unknown key{hint}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, "a text is needed here")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false is needed here")
        return value

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(key, f"a whole number of {low} to {high} is needed here")
        return value

    def number(self, key: str, default: str) -> Decimal:
        number = exact(self.values.get(key, default))
        if number is None:
            raise self.error(key, "a number is needed here")
        return number

    def choice(self, key: str, choices: Mapping[str, _Chosen], default: str | None) -> _Chosen:
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in choices:
            raise self.error(key, f"one of {', '.join(choices)} is needed here")
        return choices[value]

    def section(self, key: str) -> Section:
        """A mapping below this one; an empty one when the key is absent."""
        return _section(self.values.get(key, {}), (*self.path, key))

    def sections(self, key: str) -> list[Section]:
        """A list of mappings."""
        listed = self.listed(key)
        return [_section(value, (*self.path, key, at)) for at, value in enumerate(listed)]

    def listed(self, key: str) -> Sequence[object]:
        value = self.values.get(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.error(key, "a list is needed here")
        return value


def _section(value: object, path: Path) -> Section:
    if not isinstance(value, Mapping):
        raise MappingError(path, "keys and values are needed here")
    return Section(value, path)
