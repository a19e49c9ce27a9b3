"""No file speaks of the machine it was written on, or of anything but the product."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.conventions.project import ROOT, TEXT_SUFFIXES, project_files

# Put together here, so that this file does not hold what it looks for.
_FORBIDDEN = {
    "a path of one machine": re.compile("/" + r"work/|" + "/" + r"tmp/|/home/[a-z]+/|/" + "root/"),
    "a package index": re.compile(
        "pypi"
        + r"\.org|files\.python"
        + r"hosted|registry\.np"
        + r"mjs|--(extra-)?index"
        + "-url\\s"
    ),
    "how it was written": re.compile(
        r"\b("
        + "|".join(("chat" + "gpt", "open" + "ai", "anthro" + "pic", "clau" + "de", "co" + "pilot"))
        + r")\b|\bAI[ -](agent|assist|generated)|language "
        + "model",
        re.I,
    ),
}
# (file, rule): why it must stand there.
_REASONED: dict[tuple[str, str], str] = {}
_WITHOUT_SUFFIX = {"Makefile", "run", "Dockerfile", ".gitignore", ".editorconfig"}


def _tracked() -> list[str]:
    """Files under version control; every file of the folder where there is none."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [str(path.relative_to(ROOT)) for path in project_files()]


def _texts() -> list[str]:
    return [
        name
        for name in _tracked()
        if (ROOT / name).suffix in TEXT_SUFFIXES or name.rpartition("/")[2] in _WITHOUT_SUFFIX
    ]


@pytest.mark.parametrize("rule", sorted(_FORBIDDEN))
def test_no_file_holds(rule: str) -> None:
    found = []
    for name in _texts():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for match in _FORBIDDEN[rule].finditer(text):
            if (name, rule) not in _REASONED:
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: {match.group()}")
    assert found == []


def test_files_are_found() -> None:
    assert {"manage.py", "Makefile", "pyproject.toml"} <= set(_texts())


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("a path of one machine", "open('/" + "tmp/x')"),
        ("a package index", "https://" + "pypi" + ".org/simple"),
        ("how it was written", "asked Chat" + "GPT"),
    ],
)
def test_each_rule_notices_its_case(rule: str, text: str) -> None:
    assert _FORBIDDEN[rule].search(text)
