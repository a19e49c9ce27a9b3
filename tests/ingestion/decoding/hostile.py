"""Definitions and telegrams made to cost as much as they can, by what they spend it on."""

from __future__ import annotations

import json
from typing import NamedTuple

__all__ = ["HOSTILE", "Hostile"]


class Hostile(NamedTuple):
    """The text of a definition without tests, and the telegram that costs it most.

    refused: what the reason says; "": it is read, as what it costs is bounded otherwise.
    """

    text: str
    payload: bytes
    refused: str = "too much"


_HEAD = """\
type: hostile-{name}
version: 1
vendor: Mallory
model: M
resource: cold_water
decode:
  kind: {kind}
"""
_READING = "register: volume, reading_type: cold_water.volume.register, unit: L"
# Number, series and binary operators of 60 nodes that can't be folded.
_LONG = " + ".join(["$_a ** 3 * 7"] * 17) + " + 1 / ($_a - 7)"
_ROOTS = " + ".join(["log($_a + 2.5)"] * 17) + " + 1 / ($_a - 7)"
_HUGE = " + ".join(["floor($_h) * 0"] * 17) + " + 1 / ($_a - 7)"


def _binary(name: str, layout: str, rules: str = "") -> str:
    return _HEAD.format(name=name, kind="binary") + layout + rules


def _looped(name: str, inner: str, rules: str = "") -> str:
    """Fields once for each byte."""
    head = "  fields:\n    - type: repeat\n      name: l\n      until: end\n      max: 4096\n"
    return _binary(name, f"{head}      fields:\n        - {{name: _a, type: u8}}\n{inner}", rules)


def _fields(count: int, spec: str) -> str:
    return "".join(f"        - {{name: _b{at}, {spec}}}\n" for at in range(count))


def _each(name: str, rules: str, count: int = 4_000) -> Hostile:
    """Rules on 4,000 elements."""
    layout = (
        "  fields:\n    - type: repeat\n      name: l\n      until: end\n      max: 4096\n"
        "      fields: [{name: a, type: u8}]\n"
    )
    return Hostile(_binary(name, layout, rules), b"\x07" * count)


def _rules(kind: str, count: int, body: str) -> str:
    return f"{kind}:\n" + f"  - {{{body}}}\n" * count


def _cases(count: int) -> str:
    cases = "".join(f"{at}..{at + 1}: [], " for at in range(1_000, 1_000 + count))
    return f"        - {{match: {{field: $_a, default: skip, cases: {{{cases}}}}}}}\n"


def _tags(count: int) -> str:
    cases = "".join(f"'[!7, {at}]': [], " for at in range(1_000, 1_000 + count))
    tags = "tag_fields: [{name: t, type: u8}, {name: u, type: u8}], tag_key: [t, u]"
    return f"  fields:\n    - tlv: {{{tags}, length_size: 1, unknown: skip, cases: {{{cases}}}}}\n"


def _condition(width: int) -> str:
    return "{any: [" + ", ".join(["{field: $_a, above: 300}"] * width) + "]}"


_WIDE = json.dumps({"v": [{"a": at, "b": "x"} for at in range(6_000)]}).encode()
_MEMBERS = json.dumps({"v": list(range(19_000))}).encode()


def _json(name: str, layout: str, rules: str = "") -> str:
    return _HEAD.format(name=name, kind="json") + layout + rules


def _paths(count: int, path: str) -> str:
    rows = "".join(f"    - {{name: f{at}, path: '{path}'}}\n" for at in range(count))
    return "  fields:\n" + rows


_ONES = "`[1,1,1,1,1,1,1,1,1,1]`"
_CODES = ", ".join(f"'1-{at}:*.*.{at}'" for at in range(16))
_NAMES = ", ".join(f"n{at}" for at in range(16))
_ANY = ", ".join(["{field: '$l[3].a', above: 300}"] * 50)

# What is refused in other words than that it is too much; "": what is read.
_REFUSED = {
    "own formula among many names": "",
    "doubling": "more than 4096 values",
    "patterns of codes": "",
    "paths over a wide document": "none of the values",
    "literals of paths": "too many for these paths",
    "literals that multiply": "too many for these paths",
    "fields of elements": "",
}

_CASES: dict[str, Hostile] = {
    "formulas of fields": Hostile(
        _looped("formulas", _fields(12, f"type: number, formula: '{_LONG}'")), b"\x07" * 4_000
    ),
    "logarithms": Hostile(
        _looped("logarithms", _fields(12, f"type: number, formula: '{_ROOTS}'")), b"\x07" * 4_000
    ),
    "own formula among many names": Hostile(
        _binary(
            "names",
            "  fields:\n"
            + "".join(f"    - {{name: n{at}, type: number, value: 1}}\n" for at in range(3_000))
            + "    - {type: repeat, name: l, until: end, max: 4096, fields:"
            " [{name: _a, type: u8, formula: 'x / 0'}]}\n",
        ),
        b"\x07" * 4_000,
    ),
    "huge numbers": Hostile(
        _looped(
            "huge",
            "        - {name: _h, type: number, ref: $_a,"
            " transform: [{pow: 64}, {pow: 64}, {mult: 1.5}]}\n"
            + _fields(12, f"type: number, formula: '{_HUGE}'"),
        ),
        b"\x07" * 4_000,
    ),
    "stages of transform": Hostile(
        _looped(
            "stages",
            _fields(
                12,
                "type: number, ref: $_a, transform: ["
                + ", ".join(["{pow: 1.01}", "{sqrt: true}"] * 30)
                + "]",
            ),
        ),
        b"\x07" * 4_000,
    ),
    "conditions of fields": Hostile(
        _looped(
            "conditions",
            "".join(
                f"        - {{name: _c{at}, type: u8, if: {_condition(60)}}}\n" for at in range(8)
            ),
        ),
        b"\x07" * 4_000,
    ),
    "ranges of a match": Hostile(_looped("ranges", _cases(3_000)), b"\x07" * 4_000),
    "patterns of tags": Hostile(_binary("tags", _tags(2_000)), b"\x07\x09\x00" * 20_000),
    "the whole message often": Hostile(
        _binary(
            "bytes",
            "  fields:\n"
            + "".join(
                f"    - {{name: b{at}, type: bytes, length: 60000, at: 0}}\n" for at in range(3_000)
            ),
        ),
        bytes(60_000),
    ),
    "checksums": Hostile(
        _binary(
            "sums",
            "  checksum:\n"
            + "    - {type: crc-32/mpeg-2, at: -4, on_error: warn}\n" * 60
            + "  fields: [{name: a, type: u8}]\n",
        ),
        bytes(60_000),
    ),
    "running sums": Hostile(
        _binary(
            "running",
            "  fields:\n    - {name: d, type: u8, repeat: 4000}\n"
            + "".join(
                f"    - {{name: s{at}, type: number, running: {{of: $d, from: 0.5}}}}\n"
                for at in range(1_000)
            ),
        ),
        bytes(4_000),
    ),
    "doubling": Hostile(
        _looped(
            "doubling",
            "        - {name: _n, type: number, carry: 1, compute: {op: add, a: $_n, b: $_n}}\n"
            + "        - {name: _n, type: number, compute: {op: add, a: $_n, b: $_n}}\n" * 20,
        ),
        b"\x07" * 4_000,
    ),
    "readings of elements": _each(
        "readings", _rules("readings", 400, f"{_READING}, each: $l, value: $.a")
    ),
    "readings divided": _each(
        "divided", _rules("readings", 300, f"{_READING}, each: $l, value: $.a, div: 7, mul: 0.001")
    ),
    "formulas of readings": _each(
        "fractions",
        _rules(
            "readings",
            30,
            f"{_READING}, each: $l, formula: '" + " + ".join(["$.a / 7.3 ** 31"] * 19) + "'",
        ),
    ),
    "events of elements": _each(
        "events", _rules("events", 400, "field: $.a, each: $l, bits: {0: leak, 1: leak, 2: leak}")
    ),
    "conditions of rules": _each(
        "when",
        _rules("readings", 40, f"{_READING}, each: $l, value: $.a, when: {{any: [{_ANY}]}}"),
    ),
    "series over one list": _each(
        "series",
        _rules(
            "series",
            99,
            "register: volume, reading_type: cold_water.volume, unit: L, deltas: '$l[].a', step: 1h,"
            " at: $arrival.received_at",
        ),
    ),
    "long lists of names": _each(
        "listed", _rules("readings", 20, f"{_READING}, tariff: all, match: {{name: [{_NAMES}]}}")
    ),
    "patterns of codes": Hostile(
        _HEAD.format(name="codes", kind="obis_text")
        + _rules("readings", 5, f"{_READING}, match: {{obis: [{_CODES}]}}"),
        b"/ABC5M\r\n\r\n"
        + b"".join(b"1-0:%d.%d.9(1*m3)\r\n" % (at // 99, at % 99) for at in range(3_000))
        + b"!\r\n",
    ),
    "codes that are the same": Hostile(
        _HEAD.format(name="same", kind="obis_text")
        + "readings:\n"
        + f"  - {{{_READING}, tariff: all, match: {{quantity: any, obis: any}},"
        f" at: {{match: {{tariff: same, obis: [{_CODES}]}}}}}}\n",
        b"/ABC5M\r\n\r\n"
        + b"".join(b"1-0:%d.%d.9(1*m3)\r\n" % (at // 99, at % 99) for at in range(3_000))
        + b"!\r\n",
    ),
    "paths over a wide document": Hostile(
        _json("paths", _paths(50, "v[?a == `-1`].b | [0]")), _WIDE
    ),
    "literals of paths": Hostile(
        _json("literals", _paths(40, f"v[?contains(`[{','.join(['-1'] * 80)}]`, @)] | [0]")),
        _MEMBERS,
    ),
    "literals that multiply": Hostile(
        _json(
            "multiply",
            _paths(
                1,
                " | ".join([f"[*].not_null({_ONES})[]"] * 6).replace("[*]", "v[*]", 1)
                + " | length(@)",
            ),
        ),
        _MEMBERS,
    ),
    "fields of elements": Hostile(
        _json(
            "elements",
            "  each: v\n  fields:\n    - {name: z, path: a}\n"
            + "".join(f"    - {{name: f{at}, path: nothing.at.all}}\n" for at in range(30)),
        ),
        json.dumps({"v": [{"a": at} for at in range(4_000)]}).encode(),
    ),
}
HOSTILE = {
    name: one._replace(refused=_REFUSED.get(name, one.refused)) for name, one in _CASES.items()
}
