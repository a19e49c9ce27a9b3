"""`make bench`: every figure of the collection engine, in a table and in bench/results.json.

Each section runs in processes of its own on fresh services whose data is really on disk (fsync is
on), so none is warmed or slowed by the one before.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess  # nosec B404
import sys
import tempfile
from pathlib import Path
from typing import Any

SECTIONS = ("collection", "mqtt", "archive", "rollups", "kinds")
RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"some of {', '.join(SECTIONS)}; none: all")
    parser.add_argument("--here", metavar="SECTION", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        options.into.write_text(json.dumps(_measure(options.here)))
        return 0
    chosen = options.sections or SECTIONS
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    rows: list[dict[str, Any]] = []
    for section in chosen:
        found = [{"section": section} | row for row in _run(section)]
        rows += found
        # Whoever stops it has what was measured so far; the other sections stay as they were.
        _keep(section, found)
    _print(rows)
    return 0


def _keep(section: str, found: list[dict[str, Any]]) -> None:
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = [row for row in rows if row.get("section") != section] + found
    rows.sort(key=lambda row: SECTIONS.index(row["section"]))
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def _run(section: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="readout-bench-") as folder:
        os.chmod(folder, 0o711)  # nosec B103: the database's own account passes through it
        result = Path(folder) / "figures.json"
        words = ["-m", "bench", "--here", section, "--into", str(result)]
        subprocess.run(  # nosec B603
            [sys.executable, "-m", "config.embedded", "exec", "--", sys.executable, *words],
            env=os.environ | {"READOUT_VAR": f"{folder}/var"},
            check=True,
            stdout=sys.stderr,
        )
        found: list[dict[str, Any]] = json.loads(result.read_text())
        return found


def _measure(section: str) -> list[dict[str, Any]]:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    found: list[dict[str, Any]] = importlib.import_module(f"bench.{section}").figures()
    return found


def _print(rows: list[dict[str, Any]]) -> None:
    width = max(len(row["name"]) for row in rows)
    sys.stdout.write(f"{'figure':{width}}  {'measured':>12} {'must':>10} {'aim':>10}\n")
    for row in rows:
        cells = [_number(row[name]) for name in ("value", "must", "aim")]
        sign = "" if row["must"] is None else "≥" if row["better"] == "higher" else "≤"
        limits = [f"{sign} {cell}" if cell else "" for cell in cells[1:]]
        line = f"{row['name']:{width}}  {cells[0]:>12} {limits[0]:>10} {limits[1]:>10}"
        sys.stdout.write(f"{line}  {row['unit']}{_verdict(row)}\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _verdict(row: dict[str, Any]) -> str:
    if row["must"] is None:
        return ""
    short = row["value"] < row["must"] if row["better"] == "higher" else row["value"] > row["must"]
    return "  SHORT" if short else ""


if __name__ == "__main__":
    sys.exit(main())
