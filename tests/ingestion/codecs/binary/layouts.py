"""Short ways to compile a few fields and decode some bytes with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import ingestion
from ingestion.codecs.binary import compile_schema
from ingestion.codecs.telegram import Item, Telegram

PUBLISHED = Path(ingestion.__file__).parents[2] / "shared" / "vectors"
SKETCHES = PUBLISHED / "example_device_types"
SCHEMAS = PUBLISHED / "payload_schema"
needs_published = pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason="the published vectors are not beside the project"
)

Field = Mapping[str, Any]


def telegram(fields: list[Any], octets: str, **keys: Any) -> Telegram:
    """`port` and `variables` go to the decoder, all other keys to the definition."""
    port, variables = keys.pop("port", None), keys.pop("variables", None)
    decoder = compile_schema({"fields": fields, **keys})
    return decoder.decode(bytes.fromhex(octets), port=port, variables=variables)


def tree(fields: list[Any], octets: str, **keys: Any) -> Mapping[str, Any]:
    return telegram(fields, octets, **keys).tree


def one(field: Field, octets: str, **keys: Any) -> Any:
    """The value of one field, named v; None where it is left out."""
    return tree([{"name": "v", **field}], octets, **keys).get("v")


def item(said: Telegram, name: str) -> Item:
    return next(item for item in said.items if item.name == name)
