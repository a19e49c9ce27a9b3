"""Write what is published of the language of device types: JSON Schema and reference."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings

from config.lib.publishing import PublishingCommand
from meters.definition.json_schema import json_schema
from meters.definition.reference_page import with_reference

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


class Command(PublishingCommand):
    help = "Writes docs/device-types/schema.json and the reference in language.md."

    def files(self) -> dict[Path, str]:
        return published()
