"""Which registers a definition tells of: the rows that become templates of channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from meters.quantities import Accumulation

from .durations import seconds_of
from .meaning import PHASES
from .model import Definition, Measured, Reading, Series
from .vocabulary import resolved, suffixed

__all__ = ["RegisterUse", "registers_of"]

_TARIFFS = range(5)
_DAY_MINUTES = 1_440


class RegisterUse(NamedTuple):
    """One register, the resource of its reading type, and the minutes between its values."""

    register: str
    reading_type: str
    resource: str
    interval_minutes: int


def registers_of(definition: Definition, *, resource: str = "") -> list[RegisterUse]:
    """Every register once a reading type; of one resource, or of all that are possible.

    Names are those that decoded values have: `energy.t1` of tariff 1, `voltage.l2` of phase L2.
    What is only told as a register has amounts too, worked out from it.
    """
    wanted = [resource] if resource else definition.resource
    found: dict[tuple[str, str], RegisterUse] = {}
    for measured in (*definition.series, *definition.readings):
        for one in wanted:
            for use in _uses(definition, measured, one):
                found.setdefault((use.register, use.reading_type), use)
    uses = list(found.values())
    return [*uses, *_amounts(definition, uses)]


def _amounts(definition: Definition, uses: list[RegisterUse]) -> Iterator[RegisterUse]:
    """Of each register the reading type of its amounts, unless the definition tells them itself."""
    known = definition.vocabulary.reading_types
    told = {use.reading_type for use in uses}
    for use in uses:
        code = use.reading_type.replace(".register", "")
        cumulative = known[use.reading_type].accumulation == Accumulation.CUMULATIVE
        if cumulative and code in known and code not in told:
            told.add(code)
            yield use._replace(reading_type=code)


def _uses(definition: Definition, measured: Measured, resource: str) -> list[RegisterUse]:
    by_phase = isinstance(measured, Reading) and measured.spread == "phase"
    tariffs = [measured.tariff] if isinstance(measured.tariff, int) else _TARIFFS
    known = definition.vocabulary.reading_types
    base = resolved(measured.reading_type, resource)
    uses = []
    for tariff in tariffs:
        for phase in PHASES if by_phase else ("",):
            code = suffixed(base, tariff=tariff, phase=phase)
            if code in known:
                register = suffixed(measured.register, tariff=tariff, phase=phase)
                resource_of = known[code].resource.value
                uses.append(RegisterUse(register, code, resource_of, _interval(measured)))
    return uses


def _interval(measured: Measured) -> int:
    if isinstance(measured, Series) and not measured.interval:
        minutes = (seconds_of(measured.step) or 3_600) // 60
        return min(max(minutes, 1), _DAY_MINUTES)
    return measured.interval if isinstance(measured, Reading | Series) else 60
