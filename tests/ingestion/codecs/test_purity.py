"""Codecs import the standard library (without clocks and sockets) and a few pure libraries only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import ingestion.codecs

_FOLDER = Path(ingestion.codecs.__file__).parent
_IMPURE = {"asyncio", "os", "random", "secrets", "socket", "ssl", "threading", "time"}
_LIBRARIES = {"numpy", "cryptography", "jmespath", "simpleeval", "cbor2"}
_ALLOWED = (sys.stdlib_module_names | _LIBRARIES) - _IMPURE
_CLOCKS = {"now", "utcnow", "today"}


def _imported(source: str, depth: int = 0) -> set[str]:
    """Top-level names of absolute imports; relative ones that leave the package, as "..name".

    `depth` is how many folders below the package the file stands.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 1 + depth:
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def _clocks_read(source: str) -> set[str]:
    """Dates may be computed with; what time it is comes from outside."""
    nodes = ast.walk(ast.parse(source))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)} & _CLOCKS


_FILES = sorted(_FOLDER.rglob("*.py"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_FOLDER)))
def test_codec_imports_only_what_is_pure(path: Path) -> None:
    source, depth = path.read_text(encoding="utf-8"), len(path.relative_to(_FOLDER).parts) - 1
    assert _imported(source, depth) - _ALLOWED == set()
    assert _clocks_read(source) == set()


def test_impure_imports_are_noticed() -> None:
    source = (
        "import time\nfrom django.db import models\nfrom ..models import X\nfrom . import bits\n"
    )
    assert _imported(source) - _ALLOWED == {"time", "django", "..models"}
    assert _imported("from ..errors import DecodeError\n", depth=1) - _ALLOWED == set()
    assert _clocks_read("from datetime import datetime\ndatetime.now()\n") == {"now"}
