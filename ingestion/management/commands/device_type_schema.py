"""Write what is published of the language of device types: JSON Schema and reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meters.definition.json_schema import json_schema
from meters.definition.reference_page import with_reference

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["Command", "published"]


def published() -> dict[Path, str]:
    """Each published file and what belongs in it."""
    folder = Path(settings.BASE_DIR) / "docs" / "device-types"
    page = folder / "language.md"
    schema = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    return {
        folder / "schema.json": schema,
        page: with_reference(page.read_text(encoding="utf-8")),
    }


class Command(BaseCommand):
    help = "Writes docs/device-types/schema.json and the reference in language.md."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        for path, text in published().items():
            current = path.read_text(encoding="utf-8") if path.exists() else ""
            if current == text:
                continue
            if options["check"]:
                raise CommandError(f"{path.name} is stale: run manage.py device_type_schema")
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {path.name}")
