"""Codecs import the standard library (without clocks and sockets), numpy and cryptography only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import ingestion.codecs

_FOLDER = Path(ingestion.codecs.__file__).parent
_IMPURE = {"asyncio", "datetime", "os", "random", "secrets", "socket", "ssl", "threading", "time"}
_ALLOWED = (sys.stdlib_module_names | {"numpy", "cryptography"}) - _IMPURE


def _imported(source: str) -> set[str]:
    """Top-level names of absolute imports; relative ones that leave the package as "..name"."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 1:
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(_FOLDER.rglob("*.py")), ids=lambda path: path.name)
def test_codec_imports_only_what_is_pure(path: Path) -> None:
    assert _imported(path.read_text(encoding="utf-8")) - _ALLOWED == set()


def test_impure_imports_are_noticed() -> None:
    source = (
        "import time\nfrom django.db import models\nfrom ..models import X\nfrom . import bits\n"
    )
    assert _imported(source) - _ALLOWED == {"time", "django", "..models"}
