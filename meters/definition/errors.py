"""What is wrong with a definition, each fault with its line, column and key."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from meters.errors import MetersError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DefinitionError", "Mark", "Path", "Problem", "dotted"]

# Keys and places in lists from the top of the file to a node.
Path = tuple[str | int | Decimal | None, ...]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in the text; both count from 1, the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `key` is the dotted path to it; `nearest` the known key that was probably meant."""

    mark: Mark
    key: str
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        place = f"{self.mark.line}:{self.mark.column}"
        return f"{place} {self.key}: {self.message}" if self.key else f"{place} {self.message}"


class DefinitionError(MetersError):
    """All that was found wrong in one definition, in the order of the text."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = sorted(set(problems))
        super().__init__([f"{name}:{problem}" for problem in self.problems])

    def __str__(self) -> str:
        return "\n".join(self.messages)


def dotted(path: Path) -> str:
    """`readings[0].unit`, as people write it."""
    text = ""
    for step in path:
        if isinstance(step, int) and not isinstance(step, bool):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else str(step)
    return text
