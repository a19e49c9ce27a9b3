"""Columns of opening and closing readings, one for each register that meters can have."""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from config.lib.tables.columns import Column, lazy_heading
from meters.catalogue import CATALOGUE
from meters.models import InstallationReading, ReadingType
from meters.quantities import Accumulation

__all__ = ["MAIN_REGISTERS", "RegisterColumn", "initials", "register_columns"]

# What a column without the name of a register means: the one that every meter of the resource has.
MAIN_REGISTERS = {
    "electricity": "electricity.active.import.register",
    "cold_water": "cold_water.volume.register",
    "hot_water": "hot_water.volume.register",
    "gas": "gas.volume.register",
    "heat": "heat.energy.register",
}
_WHICH = {"opening": (_("opening reading"), "OP"), "closing": (_("closing reading"), "CL")}


class RegisterColumn(NamedTuple):
    """which: opening or closing; register: code of the reading type, "" for the main one."""

    which: str
    register: str
    column: Column


@cache
def register_columns() -> tuple[RegisterColumn, ...]:
    """For the main register and for every register of the catalogue."""
    made = [_column(which, "") for which in _WHICH]
    for entry in CATALOGUE:
        if entry.accumulation == Accumulation.CUMULATIVE:
            made += [_column(which, entry.code) for which in _WHICH]
    return tuple(made)


def initials(code: str) -> str:
    """cold_water.volume.register → CWVR: short enough for a DBF column."""
    return "".join(
        word[0] + word[1:].strip("abcdefghijklmnopqrstuvwxyz")
        for part in (code.split("."))
        for word in part.split("_")
    ).upper()


def _column(which: str, register: str) -> RegisterColumn:
    heading, short = _WHICH[which]
    column = Column.of(
        InstallationReading,
        which,
        name=f"{which}:{register}" if register else which,
        heading=lazy_heading(partial(_heading, which, register)) if register else heading,
        dbf=f"{short}_{initials(register)}" if register else which.upper(),
        example="0" if which == "opening" and not register else "",
    )
    return RegisterColumn(which, register, column)


def _heading(which: str, register: str) -> str:
    return f"{_WHICH[which][0]}: {_reading_type(register).label}"


@cache
def _reading_type(code: str) -> ReadingType:
    """As the catalogue has it: a heading needs no row of the database."""
    entry = next(entry for entry in CATALOGUE if entry.code == code)
    return ReadingType(**entry._asdict())
