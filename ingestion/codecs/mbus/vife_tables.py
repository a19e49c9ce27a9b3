"""What the bytes after a value information field add: EN 13757-3:2018, tables 16 to 18, as data.

A modifier is a word that narrows what is measured (phase L1, backward flow, upper limit). Some turn
the value into another kind of thing: a date, a duration, a count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["COMBINABLE", "COMBINABLE_EXTENSION", "RECORD_ERRORS", "Vife"]


@dataclass(frozen=True, slots=True)
class Vife:
    """One modifier.

    `unit` is put behind the unit ("/h"); `replaces` is the unit of a value that is no longer what
    the quantity says (a duration: "s", with its `factor`); `kind` is how the data are then read;
    `exponent` and `offset_exponent` are powers of ten that multiply the value or are added to it.
    """

    word: str = ""
    unit: str = ""
    kind: str = ""
    replaces: str | None = None
    factor: int = 1
    exponent: int = 0
    offset_exponent: int | None = None
    profile: str = ""


_STEPS = (1, 60, 3600, 86400)
_SIDES = ("lower", "upper")
_ENDS = ("begin", "end")
_TURNS = ("first", "last")


def _limits() -> Iterator[tuple[int, Vife]]:
    """40h to 5Fh and 68h to 6Fh: limits, how often, when and for how long they were exceeded."""
    for side, upper in enumerate(_SIDES):
        code = 0x40 | side << 3
        yield code, Vife(f"{upper}_limit")
        yield code | 1, Vife(f"{upper}_limit_exceeds", kind="unsigned", replaces="count")
        yield 0x68 | side << 2, Vife(f"during_{upper}_limit_exceed")
        for turn, last in enumerate(_TURNS):
            for end, edge in enumerate(_ENDS):
                word = f"{edge}_of_{last}_{upper}_limit_exceed"
                yield code | turn << 2 | 2 | end, Vife(word, kind="time", replaces="")
            for step, factor in enumerate(_STEPS):
                word = f"duration_of_{last}_{upper}_limit_exceed"
                vife = Vife(word, replaces="s", factor=factor)
                yield 0x50 | side << 3 | turn << 2 | step, vife


def _moments() -> Iterator[tuple[int, Vife]]:
    """60h to 67h, 6Ah, 6Bh, 6Eh, 6Fh: how long and when the first or the last one was."""
    for turn, last in enumerate(_TURNS):
        for step, factor in enumerate(_STEPS):
            yield 0x60 | turn << 2 | step, Vife(f"duration_of_{last}", replaces="s", factor=factor)
        for end, edge in enumerate(_ENDS):
            yield 0x6A | turn << 2 | end, Vife(f"{edge}_of_{last}", kind="time", replaces="")


def _corrections() -> Iterator[tuple[int, Vife]]:
    """70h to 7Bh and 7Dh: factors and constants."""
    for index in range(8):
        yield 0x70 + index, Vife(exponent=index - 6)
    for index in range(4):
        yield 0x78 + index, Vife(offset_exponent=index - 3)
    yield 0x7D, Vife(exponent=3)


_PER = (
    ("per_second", "/s"),
    ("per_minute", "/min"),
    ("per_hour", "/h"),
    ("per_day", "/d"),
    ("per_week", "/week"),
    ("per_month", "/month"),
    ("per_year", "/year"),
    ("per_revolution", "/revolution"),
    ("per_input_pulse_0", "/pulse"),
    ("per_input_pulse_1", "/pulse"),
    ("per_output_pulse_0", "/pulse"),
    ("per_output_pulse_1", "/pulse"),
    ("per_litre", "/L"),
    ("per_m3", "/m3"),
    ("per_kg", "/kg"),
    ("per_kelvin", "/K"),
    ("per_kwh", "/kWh"),
    ("per_gj", "/GJ"),
    ("per_kw", "/kW"),
    ("per_kelvin_litre", "/(K·L)"),
    ("per_volt", "/V"),
    ("per_ampere", "/A"),
    ("times_second", "·s"),
    ("times_second_per_volt", "·s/V"),
    ("times_second_per_ampere", "·s/A"),
)

COMBINABLE: dict[int, Vife] = {
    0x12: Vife("average"),
    0x13: Vife(profile="inverse"),
    0x14: Vife("relative_deviation", replaces="%"),
    0x1D: Vife(),  # the data are as the standard wants them: nothing to add
    0x1E: Vife(profile="registers"),
    0x1F: Vife(profile="forward"),
    **{0x20 + index: Vife(word, unit) for index, (word, unit) in enumerate(_PER)},
    0x39: Vife("start_of", kind="time", replaces=""),
    0x3A: Vife("uncorrected"),
    0x3B: Vife("forward_flow"),
    0x3C: Vife("backward_flow"),
    0x3D: Vife("non_metric", replaces=""),
    0x3E: Vife("base_conditions"),
    0x3F: Vife("obis_declaration", kind="unsigned", replaces=""),
    0x69: Vife("leakage"),
    0x6D: Vife("overflow"),
    0x7E: Vife("future"),
    **dict(_limits()),
    **dict(_moments()),
    **dict(_corrections()),
}

# After VIFE FCh.
COMBINABLE_EXTENSION: dict[int, Vife] = {
    0x01: Vife("l1"),
    0x02: Vife("l2"),
    0x03: Vife("l3"),
    0x04: Vife("neutral"),
    0x05: Vife("l1_l2"),
    0x06: Vife("l2_l3"),
    0x07: Vife("l3_l1"),
    0x08: Vife("q1"),
    0x09: Vife("q2"),
    0x0A: Vife("q3"),
    0x0B: Vife("q4"),
    0x0C: Vife("import_minus_export"),
    0x10: Vife("absolute_flow"),
    0x11: Vife(kind="unsigned"),
    0x12: Vife(kind="flags"),
    0x14: Vife("to_meter"),
    0x15: Vife("from_meter"),
}

# What a meter says instead of a good value.
RECORD_ERRORS: dict[int, str] = {
    0x01: "too many DIFE",
    0x02: "storage number not implemented",
    0x03: "unit number not implemented",
    0x04: "tariff number not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFE",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF and DIF do not match",
    0x0F: "unimplemented action",
    0x15: "no data available",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}
