"""Sizes of functions and files: `python -m tests.conventions.sizes`.

Exit code 1 when a limit is broken: median of functions ≤ 8 lines, nine in ten ≤ 30, none over 60
without a `# long:` reason on its def line, no file over 500 lines. Tests and migrations are left
out. A function's size is from its def line to its last, docstring and blank lines included.
"""

from __future__ import annotations

import ast
import statistics
import sys
from typing import TYPE_CHECKING, NamedTuple

from tests.conventions.project import ROOT, python_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MEDIAN_LIMIT = 8
NINETIETH_LIMIT = 30
FUNCTION_LIMIT = 60
FILE_LIMIT = 500


class Function(NamedTuple):
    """One function or method and where it stands."""

    path: str
    line: int
    name: str
    lines: int
    reason: str


class Sizes(NamedTuple):
    """What was measured."""

    functions: list[Function]
    files: dict[str, int]

    @property
    def median(self) -> float:
        return statistics.median(row.lines for row in self.functions)

    @property
    def ninetieth(self) -> int:
        """The size that nine in ten functions do not exceed."""
        ordered = sorted(row.lines for row in self.functions)
        return ordered[max(0, -(-len(ordered) * 9 // 10) - 1)]

    @property
    def long(self) -> list[Function]:
        return [row for row in self.functions if row.lines > FUNCTION_LIMIT]


def functions_in(source: str, path: str) -> list[Function]:
    """Every function of a module, nested ones too."""
    lines = source.splitlines()
    return [
        Function(
            path,
            node.lineno,
            node.name,
            (node.end_lineno or node.lineno) - node.lineno + 1,
            lines[node.lineno - 1].partition("# long:")[2].strip(),
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def measure(paths: Iterable[Path]) -> Sizes:
    functions: list[Function] = []
    files: dict[str, int] = {}
    for path in paths:
        source = path.read_text(encoding="utf-8")
        name = str(path.relative_to(ROOT))
        files[name] = len(source.splitlines())
        functions += functions_in(source, name)
    return Sizes(functions, files)


def broken_limits(sizes: Sizes) -> list[str]:
    """A sentence for every limit that is exceeded."""
    broken = []
    if sizes.median > MEDIAN_LIMIT:
        broken.append(f"the median function has {sizes.median:g} lines, more than {MEDIAN_LIMIT}")
    if sizes.ninetieth > NINETIETH_LIMIT:
        broken.append(f"nine in ten functions have up to {sizes.ninetieth} lines, not 30")
    broken += [
        f"{row.path}:{row.line} {row.name} has {row.lines} lines; split it, or say why on its"
        " def line: # long: reason"
        for row in sizes.long
        if not row.reason
    ]
    broken += [
        f"{path} has {lines} lines, more than {FILE_LIMIT}: split it by subject"
        for path, lines in sizes.files.items()
        if lines > FILE_LIMIT
    ]
    return broken


def report(sizes: Sizes) -> str:
    over_50 = sum(row.lines > 50 for row in sizes.functions)
    largest = max(sizes.files, key=lambda path: sizes.files[path])
    lines = [
        f"{len(sizes.functions)} functions in {len(sizes.files)} files",
        f"function: median {sizes.median:g}, nine in ten ≤ {sizes.ninetieth},"
        f" {over_50 / len(sizes.functions):.1%} over 50 lines",
        f"file: median {statistics.median(sizes.files.values()):g} lines, largest {largest}"
        f" ({sizes.files[largest]})",
    ]
    lines += [
        f"long function: {row.path}:{row.line} {row.name} ({row.lines}) {row.reason}"
        for row in sizes.long
    ]
    return "\n".join(lines)


def main() -> int:
    sizes = measure(python_files())
    broken = broken_limits(sizes)
    sys.stdout.write(report(sizes) + "\n")
    for line in broken:
        sys.stderr.write(f"limit broken: {line}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
