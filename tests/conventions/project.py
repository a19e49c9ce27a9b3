"""Which files are ours: what the conventions look at."""

from __future__ import annotations

from pathlib import Path

__all__ = ["APPS", "ROOT", "SOURCES", "TEXT_SUFFIXES", "project_files", "python_files"]

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("accounts", "hierarchy", "meters", "ingestion", "alarms", "customers", "reports")
SOURCES = ("config", *APPS)
TEXT_SUFFIXES = frozenset(
    [
        ".py",
        ".html",
        ".txt",
        ".js",
        ".css",
        ".svg",
        ".toml",
        ".cfg",
        ".ini",
        ".md",
        ".in",
        ".yml",
        ".yaml",
        ".json",
        ".sh",
        ".po",
        ".conf",
        ".service",
        ".webmanifest",
    ]
)
# Made by tools on this machine, never part of a commit.
_NOT_OURS = frozenset({".git", ".venv", "var", "node_modules", "__pycache__", ".hypothesis"})


def project_files(*folders: str) -> list[Path]:
    """Every file below these folders (all: below the project), without what tools made."""
    found: list[Path] = []
    for start in [ROOT / folder for folder in folders] or [ROOT]:
        found += _walk(start)
    return sorted(found)


def python_files() -> list[Path]:
    """Code that runs in production: no tests, no migrations."""
    files = [path for path in project_files(*SOURCES) if path.suffix == ".py"]
    return [*(path for path in files if "migrations" not in path.parts), ROOT / "manage.py"]


def _walk(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name in _NOT_OURS or path.name.endswith("_cache"):
            continue
        found += _walk(path) if path.is_dir() else [path]
    return found
