"""The map of a Modbus device, compiled once, and responses decoded by it.

A map is a mapping of these keys::

    frame: auto            # auto (TCP or serial line), rtu, tcp, or image: bare registers
    base: 0                # what the maker calls the first register: 0, 1, 30001, 40001 …
    function: 4            # of registers that state none
    word_order: big        # big: the high word first; little
    byte_order: big        # within a word
    start: 0               # the first register of an image, and of a response that fits no read
    reads:                 # what is asked for: a response is known by its function and length
      - {function: 4, address: 0, count: 76}
    registers:
      - {name: voltage, address: 0, type: f32, unit: V}
      - {name: energy, address: 72, type: u32, div: 100, unit: kWh, invalid: [0xFFFFFFFF]}
      - {name: current, address: 6, type: u16, scale_register: current_scale, unit: A}
      - name: state
        address: 90
        type: bits
        bits: [{name: tamper, bit: 3}, {name: mode, bit: 4, width: 2, lookup: {0: off, 1: on}}]

Addresses are those of the maker, with `base`. Types: u16 s16 u32 s32 u48 u64 s64 f32 f64, and with
`size` in registers bcd, ascii, bits; functions 1 and 2 have single bits, type `bit`. Items carry
the facts `register` (the address) and `function_code`; a float that is no number, and a raw value
that is `invalid`, is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import localcontext
from types import MappingProxyType
from typing import Any

from ..mapping import Section
from ..scaling import compile_invalid, compile_lookup, compile_scale, spelling
from ..telegram import Value
from .frames import FRAMES
from .reading import EXACT, Finish, ModbusMap, Part, Read, Register
from .values import ORDERS, TYPES, RegisterType, reorder, unix_time

__all__ = ["MAX_REGISTERS", "compile_map"]

MAX_REGISTERS = 1024
_MAX_ITEMS = 4096
_MAP_KEYS = [
    *("kind", "frame", "base", "function", "word_order", "byte_order", "start", "reads"),
    "registers",
]
_REGISTER_KEYS = [
    *("name", "address", "type", "function", "size", "unit", "word_order", "byte_order", "time"),
    *("mul", "div", "add", "scale_register", "lookup", "invalid", "bits", "facts"),
]
_BIT_KEYS = ["name", "bit", "width", "lookup", "facts"]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_LAST_REGISTER = 65_535
_BIT = RegisterType(0, lambda octets: bool(octets[0]), is_number=False)


def compile_map(mapping: Mapping[str, Any]) -> ModbusMap:
    """The map of a mapping as in the module's text; MappingError where it is wrong."""
    section = Section(mapping)
    section.only(_MAP_KEYS)
    base, function = section.integer("base", 0, 0, 400_001), section.integer("function", 3, 1, 4)
    with localcontext(EXACT):
        registers = tuple(_registers(section, base, function))
    lowest = min(one.first for one in registers) + base
    return ModbusMap(
        registers=registers,
        reads=tuple(_read(one, base, function) for one in section.sections("reads")),
        frame=section.choice("frame", FRAMES, "auto"),
        base=base,
        function=function,
        start=section.integer("start", lowest, base, base + _LAST_REGISTER) - base,
    )


def _read(section: Section, base: int, function: int) -> Read:
    section.only(["function", "address", "count"])
    asked = section.integer("function", function, 1, 4)
    address = section.integer("address", None, base, base + _LAST_REGISTER)
    return Read(
        asked, address - base, section.integer("count", None, 1, 125 if asked > 2 else 2000)
    )


def _registers(section: Section, base: int, function: int) -> Iterator[Register]:
    sections = section.sections("registers")
    if not 0 < len(sections) <= MAX_REGISTERS:
        raise section.error("registers", f"1 to {MAX_REGISTERS} registers are needed")
    names: set[str] = set()
    known = {str(one.values.get("name")) for one in sections}
    for one in sections:
        one.only(_REGISTER_KEYS)
        register = _register(section, one, base, function)
        for name in (register.name, *(part.name for part in register.parts)):
            if name in names:
                raise one.error("name", f"{name} stands twice")
            names.add(name)
        if len(names) > _MAX_ITEMS:
            raise one.error("bits", f"more than {_MAX_ITEMS} registers and parts of them")
        if register.scale_register and register.scale_register not in known:
            raise one.error("scale_register", f"no register is named {register.scale_register}")
        yield register


def _register(outer: Section, section: Section, base: int, function: int) -> Register:
    function = section.integer("function", function, 1, 4)
    kind, size = _kind(section, function)
    address = section.integer("address", None, base, base + _LAST_REGISTER)
    words = section.choice("word_order", ORDERS, outer.text("word_order", "big"))
    octets = section.choice("byte_order", ORDERS, outer.text("byte_order", "big"))
    finish, formula = _finish(section, kind)
    facts = {"register": address, "function_code": function, **section.section("facts").values}
    return Register(
        name=_name(section),
        function=function,
        first=address - base,
        size=size,
        unit=section.text("unit", ""),
        order=reorder(words, octets, size) if function > 2 else None,
        read=kind.read,
        finish=finish,
        formula=formula,
        scale_register=section.text("scale_register", ""),
        parts=tuple(_part(one, size, facts) for one in section.sections("bits")),
        facts=MappingProxyType(facts),
    )


def _name(section: Section) -> str:
    name = section.text("name")
    if not _NAME.fullmatch(name):
        raise section.error("name", "a name has letters, digits and _ and starts with a letter")
    return name


def _kind(section: Section, function: int) -> tuple[RegisterType, int]:
    if function < 3:
        section.choice("type", {"bit": _BIT}, "bit")
        return _BIT, 1
    kind = section.choice("type", TYPES, "u16")
    if kind.size:
        return kind, section.integer("size", kind.size, kind.size, kind.size)
    return kind, section.integer("size", 1, 1, 64 if not kind.is_number else 4)


def _finish(section: Section, kind: RegisterType) -> tuple[Finish, str]:
    """What is done to a value that was read: markers, then time, lookup or scale."""
    markers = compile_invalid(section)
    scale, formula = compile_scale(section)
    steps: list[Callable[[Any], Value]] = []
    if "time" in section.values:
        steps.append(section.choice("time", {"unix": unix_time}, None))
    if "lookup" in section.values:
        steps.append(compile_lookup(section))
    if scale is not None:
        if not kind.is_number:
            raise section.error("type", "only numbers are scaled")
        steps.append(scale)
    if len(steps) > 1:
        raise section.error("type", "a value has one of: a time, a lookup, a scale")
    step = steps[0] if steps else None

    def finish(value: Value) -> Value:
        if value is None or (markers and spelling(value) in markers):
            return None
        return step(value) if step else value

    return finish, formula


def _part(section: Section, size: int, facts: Mapping[str, Any]) -> Part:
    section.only(_BIT_KEYS)
    width = section.integer("width", 1, 1, 16 * size)
    low = section.integer("bit", None, 0, 16 * size - width)
    look = compile_lookup(section) if "lookup" in section.values else None
    own = {**facts, "bit": low, **section.section("facts").values}
    finish: Finish = look or (bool if width == 1 else _itself)  # type: ignore[assignment]
    return Part(_name(section), low, width, finish, MappingProxyType(own))


def _itself(value: Value) -> Value:
    return value
