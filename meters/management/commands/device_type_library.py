"""Write the page of the device types that ship."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from config.lib.publishing import PublishingCommand
from meters import __file__ as meters_file
from meters.definition import read_definition
from meters.definition.library_page import library_page

__all__ = ["Command", "page_path", "published_page"]


def published_page() -> str:
    """What belongs in the page, by the files as they are."""
    files = sorted((Path(meters_file).parent / "devicetypes").glob("*.yaml"))
    return library_page(
        read_definition(path.read_text(encoding="utf-8"), name=path.name) for path in files
    )


def page_path() -> Path:
    return Path(settings.BASE_DIR) / "docs" / "device-types" / "library.md"


class Command(PublishingCommand):
    help = "Writes docs/device-types/library.md from the device types that ship."

    def files(self) -> dict[Path, str]:
        return {page_path(): published_page()}
