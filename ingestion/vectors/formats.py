"""Which comparator reads a file of published vectors: known by the keys that the file has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from .outcomes import Outcome

__all__ = ["FORMATS", "Format", "UnknownFormatError", "compare_file", "format_of"]

Published = Mapping[str, Any]


class UnknownFormatError(ValueError):
    """A file that is none of the formats; the message says what it is instead."""


class Format(NamedTuple):
    """`fits` looks at the keys of the file and of its first vector; `module` compares."""

    name: str
    fits: Callable[[Published, frozenset[str]], bool]
    module: str
    wants_path: bool = False


def _has(*keys: str) -> Callable[[Published, frozenset[str]], bool]:
    return lambda published, _first: any(key in published for key in keys)


def _each_has(*keys: str) -> Callable[[Published, frozenset[str]], bool]:
    return lambda _published, first: first.issuperset(keys)


# The surest first: what one format has, none before it has.
FORMATS: tuple[Format, ...] = (
    Format("libmbus", _has("valid_frames", "error_frames", "unsupported_frames"), "libmbus"),
    Format("han_push", _has("cosem_push", "hdlc_streams", "p1_text"), "cosem"),
    Format("lwm2m", _has("objects"), "lwm2m"),
    Format("nem12", _has("files", "rejected"), "nem12", wants_path=True),
    Format("modbus_map", _has("map", "registers_each"), "modbus_map"),
    Format("udp_push", _each_has("udp_payload_hex"), "cosem"),
    Format("payload_schema", _each_has("schema", "payload_hex"), "payload_schema", wants_path=True),
    Format("wmbusmeters", _each_has("frames", "driver"), "wmbusmeters"),
    Format("p1", _each_has("text"), "p1"),
    Format("adeunis", _each_has("frame_code", "payload_hex"), "adeunis"),
    Format("lorawan", _each_has("vendor", "payload_hex"), "lorawan"),
    Format("mqtt_json", _each_has("payload"), "mqtt_json"),
)


def format_of(published: object) -> Format:
    """The format of a read file; UnknownFormatError when it is none of them."""
    if not isinstance(published, Mapping):
        raise UnknownFormatError("the file holds no object of JSON")
    vectors = published.get("vectors")
    first = vectors[0] if isinstance(vectors, list) and vectors else {}
    keys = frozenset(first) if isinstance(first, Mapping) else frozenset[str]()
    for one in FORMATS:
        if one.fits(published, keys):
            return one
    names = ", ".join(one.name for one in FORMATS)
    raise UnknownFormatError(f"no known format of vectors: {names}")


def compare_file(path: Path) -> Iterator[Outcome]:
    """The outcome of every vector of a file. OSError, ValueError for one that can't be read."""
    # Comparators see decimals as they were published: 0.240 has three places.
    published = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    one = format_of(published)
    module = import_module(f"{__package__}.{one.module}")
    outcomes: Iterable[Outcome] = (
        module.compare(path, path.parent / "devices")
        if one.wants_path
        else module.compare(published)
    )
    return iter(outcomes)
