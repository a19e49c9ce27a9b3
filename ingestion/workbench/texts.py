"""The text of a definition as people keep it: read for its head, changed in one line."""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

from meters.definition import DefinitionError
from meters.definition.language import RESOURCES
from meters.definition.nodes import plain, read_nodes

__all__ = ["Head", "code_of", "head_of", "is_of_language", "with_key"]

_ROLES = ("meter", "module", "both")


class Head(NamedTuple):
    """What a definition says of the device; empty where it does not, or can't be read."""

    code: str = ""
    vendor: str = ""
    model: str = ""
    role: str = ""
    resource: str = ""


def head_of(text: str) -> Head:
    """The head of a text that may still have faults."""
    try:
        root = plain(read_nodes(text, name="definition"))
    except DefinitionError:
        return Head()
    if not isinstance(root, dict):
        return Head()
    resources = root.get("resource")
    first = resources[0] if isinstance(resources, list) and resources else resources
    return Head(
        code=code_of(root.get("type")),
        vendor=_text(root.get("vendor")),
        model=_text(root.get("model")),
        role=root["role"] if root.get("role") in _ROLES else "",
        resource=first if first in RESOURCES else "",
    )


def _text(value: Any) -> str:
    return value.strip()[:100] if isinstance(value, str) else ""


def code_of(value: Any) -> str:
    """Small letters, digits and hyphens made of a title; "" of anything else."""
    if not isinstance(value, str):
        return ""
    return re.sub(r"[^a-z0-9_.-]+", "-", value.lower()).strip("-._")[:64]


def with_key(text: str, key: str, value: str | int) -> str:
    """The text with the line of a key at its top replaced, or put first where there is none."""
    line = f"{key}: {value}"
    changed, count = re.subn(rf"(?m)^{key}:[^\n]*$", lambda _match: line, text, count=1)
    return changed if count else f"{line}\n{text}"


def is_of_language(text: str) -> bool:
    """Whether a text is a definition of this language.

    Types of the universal protocol have none, or a TOML table of its registers.
    """
    if not text.strip():
        return False
    try:
        return "universal" not in tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return True
