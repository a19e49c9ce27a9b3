"""The one error that a definition of a binary layout may raise when it is compiled."""

from __future__ import annotations

__all__ = ["Place", "SchemaError"]

# The keys and list positions that lead from the root of a definition to one of its nodes.
Place = tuple[str | int, ...]


class SchemaError(ValueError):
    """The definition is wrong: where in it, as a path of keys, and why."""

    def __init__(self, path: Place, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{where.lstrip('.') or 'schema'}: {self.reason}"
