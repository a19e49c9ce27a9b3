"""The README names every command that people can call."""

from __future__ import annotations

import re

from tests.conventions.project import ROOT


def _targets() -> list[str]:
    """Targets of the Makefile that have a description, as `make help` lists them."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z][a-z-]*):[^#\n]*## ", text, flags=re.M)


def test_readme_names_every_target() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in _targets() if not re.search(rf"\bmake {name}\b", readme)]
    assert missing == []


def test_targets_are_found() -> None:
    assert {"demo", "test", "check"} <= set(_targets())
