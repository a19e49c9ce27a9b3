"""The rules of a type on many messages of one shape at once, in columns.

A lane says exactly what `CompiledType.decode` says of each message that it marks as good; the
others, and types with rules that have no lane, are decoded one by one. Numbers are whole: a value
is (raw × top + plus) ÷ bottom, which is cut down or rounded as `amounts` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.binary.shapes import Varies
from ingestion.codecs.telegram import Telegram

from .decoded import Arrival
from .identifying import scheme_of
from .lane_rules import EventLane, ReadingLane
from .lane_series import SeriesLane
from .lane_view import View, moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.codecs.binary.shapes import Cell, Shape

    from .compiling import CompiledType
    from .lane_rules import Facts, Values
    from .lane_series import Lists

__all__ = ["Lane", "LaneSaid", "compile_lane"]

# Rules × elements of a message that cost no more than one by one may.
_MOST_LOOKS = 50_000


class LaneSaid(NamedTuple):
    """Of messages of one shape: which are good, and what those say, a rule each.

    Rows of messages that are not good may stand in the rules; they are to be left out.
    """

    good: NDArray[np.bool_]
    values: tuple[Values, ...]
    lists: tuple[Lists, ...]
    facts: tuple[Facts, ...]

    def is_of_its_time(self) -> NDArray[np.bool_]:
        """Of which messages all that they say has a time that they say."""
        own = self.good.copy()
        for part in self.values:
            own[part.row[part.at == 0]] = False
        for event in self.facts:
            own[event.row] = False
        return own


@dataclass(frozen=True, slots=True)
class Lane:
    """One type on one shape. `asked`: of what installations say, all that makes a difference."""

    compiled: CompiledType
    shape: Shape
    scheme: str
    identities: Callable[[View, Sequence[str]], list[str]]
    sequence: Callable[[View], list[int | None]]
    readings: tuple[ReadingLane, ...]
    series: tuple[SeriesLane, ...]
    events: tuple[EventLane, ...]
    asked: tuple[tuple[str, int | None], ...]

    def view(self, octets: NDArray[np.uint8]) -> View:
        """Messages that have the length of the shape and its pins, a row each."""
        view = View(self.shape, octets, np.ones(len(octets), np.bool_))
        view.check()
        return view

    def installed(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        """The same for all installations that messages may be taken together of."""
        ports = config.get("ports")
        said = [config.get("resource"), str(config.get("zone"))]
        for name, port in self.asked:
            own = ports.get(port) if isinstance(ports, Mapping) and port is not None else None
            named = isinstance(own, Mapping) and name in own
            said.append(own[name] if named and own is not None else config.get(name))
        return tuple(said)

    def take(self, view: View, config: Mapping[str, Any]) -> LaneSaid:
        """What they say; config: of one of them, all having the same `installed`."""
        telegram = Telegram(kind="binary", octets=b"", items=())
        scope = self.compiled.scope(telegram, Arrival(config=config))
        try:
            values = [one for rule in self.readings if (one := rule.take(view, scope)) is not None]
            lists = [each for rule in self.series if (each := rule.take(view, scope)) is not None]
            facts = [fact for rule in self.events for fact in rule.take(view)]
        except Varies:
            return LaneSaid(np.zeros(len(view.good), np.bool_), (), (), ())
        told = np.zeros(len(view.good), np.bool_)
        for row in (*(part.row for part in values), *(part.row for part in lists)):
            told[row] = True
        # Why a message says nothing is found out one by one.
        return LaneSaid(view.good & told, tuple(values), tuple(lists), tuple(facts))


def compile_lane(compiled: CompiledType, shape: Shape) -> Lane | None:
    """None where a rule has no lane."""
    it = compiled.definition
    if it.reject or (it.identify is not None and it.identify.detect):
        return None
    elements = max(cell.count for cell in shape.cells.values())
    if (len(it.readings) + len(it.series) + len(it.events)) * elements > _MOST_LOOKS:
        return None
    try:
        clock = moment_of(it.clock.at, shape) if not (it.clock.match or it.clock.obis) else None
        if clock is None:
            return None
        scheme, identities = _identity(compiled, shape)
        readings = tuple(ReadingLane(it, rule, shape, clock) for rule in it.readings)
        series = tuple(SeriesLane(it, rule, shape, clock) for rule in it.series)
        events = tuple(EventLane(it, rule, shape, clock) for rule in it.events)
        sequence = _sequence(compiled, shape)
    except Varies:
        return None
    asked = dict.fromkeys(one for rule in (*readings, *series) for one in rule.asked)
    return Lane(
        compiled, shape, scheme, identities, sequence, readings, series, events, tuple(asked)
    )


def _identity(
    compiled: CompiledType, shape: Shape
) -> tuple[str, Callable[[View, Sequence[str]], list[str]]]:
    identify = compiled.definition.identify
    device = identify.device if identify is not None else ""
    if identify is not None and not device and "{device}" in identify.topic:
        device = "$topic.device"
    if identify is None or not device:
        # The network vouches for the device, and here is none.
        return "dev_eui", lambda view, topics: [""] * len(topics)
    if device.startswith(("$arrival.", "$identity.")):
        raise Varies
    scheme = identify.scheme or scheme_of(device, "binary")
    if device.startswith("$topic."):
        name = device.removeprefix("$topic.")
        topic = compiled.topic
        return scheme, lambda view, topics: [
            str(topic(Arrival(topic=one)).get(name) or "") for one in topics
        ]
    cell = shape.cells.get(device.removeprefix("$"))
    if cell is None or cell.group or cell.listed:
        raise Varies
    if not (cell.is_plain or cell.kind in ("text", "digits")) or cell.name.startswith("_"):
        raise Varies
    return scheme, lambda view, topics: view.texts(cell)


def _sequence(compiled: CompiledType, shape: Shape) -> Callable[[View], list[int | None]]:
    identify = compiled.definition.identify
    name = identify.sequence.removeprefix("$") if identify is not None else ""
    cell: Cell | None = shape.cells.get(name)
    if name and cell is None:
        raise Varies
    if cell is None:
        return lambda view: [None] * len(view.good)
    if not cell.is_plain or cell.group or cell.listed:
        raise Varies
    return lambda view: list(view.raw(cell)[:, 0].tolist())
