"""Device types from files: those that ship with the product, and any other by its path."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path

from ingestion.decoding import CompiledType, compile_type
from meters import __file__ as meters_file
from meters.definition import read_definition

__all__ = ["TYPES_FOLDER", "UnknownTypeError", "compiled_type"]

TYPES_FOLDER = Path(meters_file).parent / "devicetypes"


class UnknownTypeError(LookupError):
    """No file of that name; the message names the nearest there are."""


def compiled_type(name: str) -> CompiledType:
    """By the name of a shipped file, `_` and `-` alike, or by a path that ends in .yaml.

    UnknownTypeError where there is none; DefinitionError where the file is wrong.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = TYPES_FOLDER / f"{name.replace('-', '_')}.yaml"
    if path.parent == TYPES_FOLDER and not path.is_file():
        known = sorted(file.stem for file in TYPES_FOLDER.glob("*.yaml"))
        near = get_close_matches(path.stem, known, 3, 0.5)
        hint = f"; near to it {', '.join(near)}" if near else f"; they are in {TYPES_FOLDER.name}/"
        raise UnknownTypeError(f"no shipped type {name!r}{hint}")
    return _compiled(path.resolve())


@cache
def _compiled(path: Path) -> CompiledType:
    return compile_type(read_definition(path.read_text(encoding="utf-8"), name=path.name))
