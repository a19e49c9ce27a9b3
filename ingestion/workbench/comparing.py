"""Two texts side by side as the lines that went, came and stayed."""

from __future__ import annotations

import difflib
from typing import NamedTuple

__all__ = ["Line", "compared"]

_CONTEXT = 3
_SIGNS = {" ": "same", "-": "gone", "+": "new"}


class Line(NamedTuple):
    """kind: same, gone, new or skip (lines left out); numbers from 1, 0 where there is none."""

    kind: str
    before: int
    after: int
    text: str


def compared(before: str, after: str) -> list[Line]:
    """The changed lines with three around them; empty where nothing differs."""
    lines: list[Line] = []
    left = right = 0
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT, lineterm="")
    for line in list(found)[2:]:
        if line.startswith("@@"):
            left, right = _starts(line)
            lines.append(Line("skip", 0, 0, ""))
            continue
        kind = _SIGNS[line[0]]
        shown = (left if kind != "new" else 0, right if kind != "gone" else 0)
        lines.append(Line(kind, *shown, line[1:]))
        left += kind != "new"
        right += kind != "gone"
    return lines


def _starts(header: str) -> tuple[int, int]:
    """@@ -3,7 +3,8 @@ → 3, 3."""
    _at, old, new, _end = header.split(" ", 3)
    return int(old[1:].partition(",")[0]), int(new[1:].partition(",")[0])
