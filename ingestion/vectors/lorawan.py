"""Uplinks of LoRaWAN devices, published with what their makers' decoders give, by shipped types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .adeunis import with_code
from .agreeing import flattened
from .by_type import Published, compare_by_type
from .entries import compare_entries
from .lorawan_names import ENTRIES, NAMES, TYPES
from .outcomes import REFUSED, Outcome

__all__ = ["compare"]

# What a decoder gives again when it is run again; another published value can't be right.
_RERUN = "same"


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome an uplink; those whose own decoder no longer agrees are left out."""
    for vector in vector_file.get("vectors", ()):
        if vector.get("peer_rerun", _RERUN) == _RERUN and "DEFECTIVE" not in vector.get("note", ""):
            yield _outcome(vector)


def _outcome(vector: Mapping[str, Any]) -> Outcome:
    codec = _codec(vector)
    name = f"{codec} {vector.get('description', '')}".strip()
    if codec not in TYPES:
        return Outcome(name, REFUSED, "no device type for it ships")
    if codec in ENTRIES:
        return compare_entries(name, TYPES[codec], vector)
    expected, names = vector["expected"], NAMES.get(codec, {})
    values = dict(flattened(expected.get("data") or {}))
    return compare_by_type(
        Published(
            name=name,
            type=TYPES[codec],
            octets=bytes.fromhex(vector["payload_hex"]),
            values=with_code(values) if names.get("type") == "code" else values,
            names=names,
            refused=bool(expected.get("errors")),
            port=vector.get("fPort"),
        )
    )


def _codec(vector: Mapping[str, Any]) -> str:
    """`vendor/name` of the published codec, whatever folder it was read from."""
    path = vector.get("codec") or str(vector.get("path", "")).removeprefix("vendor/")
    return str(path).removesuffix(".yaml").removesuffix("-codec")
