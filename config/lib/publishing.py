"""Commands that write pages of the documentation from what the code and its data say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PublishingCommand"]


class PublishingCommand(BaseCommand):
    """Writes each of `files`, or with --check fails if one is not what it would be."""

    requires_system_checks = ()

    def files(self) -> Mapping[Path, str]:
        """Each published file and what belongs in it."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        name = type(self).__module__.rpartition(".")[2]
        for path, text in self.files().items():
            current = path.read_text(encoding="utf-8") if path.exists() else ""
            if current == text:
                continue
            if options["check"]:
                raise CommandError(f"{path.name} is stale: run manage.py {name}")
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {path.name}")
