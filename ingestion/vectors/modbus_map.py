"""A published register map against the shipped types of kind modbus.

A map publishes no response, so one is made: every register holds a number of its own, in the type
and order that the file states. It is read as a bare image through the map of the type that ships.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ingestion.codecs.modbus import compile_map
from ingestion.inspection.types import TYPES_FOLDER, compiled_type

from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare"]

_MODEL = re.compile(r"[A-Z]+\d+[A-Z0-9]*")


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome a register: there, at its address and function, with its number."""
    device, registers = vector_file["device"], vector_file["map"]
    found = _decoded(device, vector_file["function_code"], registers)
    for name, address in registers.items():
        if found is None:
            yield Outcome(name, REFUSED, f"no device type for {device} ships")
        elif address not in found:
            yield Outcome(name, DIFFERENT, f"register {address} is not in the map")
        elif found[address] != _number(address):
            yield Outcome(name, DIFFERENT, f"{found[address]} instead of {_number(address)}")
        else:
            yield Outcome(name, EQUAL)


def _decoded(device: str, function: int, registers: Mapping[str, int]) -> dict[int, Any] | None:
    """Address → number that the shipped map of the device reads there; None without a type."""
    layout = _layout(device)
    if layout is None:
        return None
    last = max(registers.values())
    image = bytearray(2 * (last + 2))
    for address in registers.values():
        image[2 * address : 2 * address + 4] = struct.pack(">f", _number(address))
    bare = {key: value for key, value in layout.items() if key != "reads"}
    compiled = compile_map({**bare, "frame": "image", "start": 0})
    telegram = compiled.decode(bytes(image))
    return {
        item.facts["register"]: item.value
        for item in telegram.items
        if item.facts["function_code"] == function
    }


def _number(address: int) -> Decimal:
    """A number that no other address has; its fraction is exact in binary."""
    return Decimal(address) + Decimal("0.25")


def _layout(device: str) -> Mapping[str, Any] | None:
    models = [model.lower() for model in _MODEL.findall(device)]
    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        if any(model in path.stem for model in models):
            decode = compiled_type(path.stem).definition.decode
            if decode.kind == "modbus":
                return decode.layout
    return None
