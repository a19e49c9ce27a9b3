"""Write the page of the device types that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meters import __file__ as meters_file
from meters.definition import read_definition
from meters.definition.library_page import library_page

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["Command", "page_path", "published_page"]


def published_page() -> str:
    """What belongs in the page, by the files as they are."""
    files = sorted((Path(meters_file).parent / "devicetypes").glob("*.yaml"))
    return library_page(
        read_definition(path.read_text(encoding="utf-8"), name=path.name) for path in files
    )


def page_path() -> Path:
    return Path(settings.BASE_DIR) / "docs" / "device-types" / "library.md"


class Command(BaseCommand):
    help = "Writes docs/device-types/library.md from the device types that ship."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        path, text = page_path(), published_page()
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == text:
            return
        if options["check"]:
            raise CommandError(f"{path.name} is stale: run manage.py device_type_library")
        path.write_text(text, encoding="utf-8")
        self.stdout.write(f"wrote {path.name}")
