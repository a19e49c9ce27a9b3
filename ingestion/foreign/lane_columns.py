"""What messages say that were read together → the columns that `columns` makes of single ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.codecs.columns import NONE, Events, Intervals, Registers
from ingestion.codecs.universal_messages import MODULE_PORT
from ingestion.regridding import day_of
from ingestion.routing import MODULE_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.decoding.lane_rules import Facts, Values
    from ingestion.decoding.lane_series import Lists
    from ingestion.decoding.lanes import LaneSaid
    from ingestion.routing import Routes

    from .columns import Rows

    Ints = NDArray[np.int64]

__all__ = ["Spoke", "add_spoken"]


class Spoke(NamedTuple):
    """What messages of one shape say. frame, module, company, at (of receipt, Unix seconds): of
    each message of the lane; frame −1: it is left out."""

    said: LaneSaid
    frame: Ints
    module: Ints
    company: NDArray[np.int32]
    at: Ints

    @property
    def told(self) -> NDArray[np.bool_]:
        """Of which messages all is said here."""
        return self.said.good & (self.frame >= 0)

    @property
    def messages(self) -> int:
        return int(self.told.sum())

    def placed(self, frame: Ints) -> Spoke:
        """With other numbers of frames."""
        return self._replace(frame=frame)


def add_spoken(rows: Rows, spoken: Sequence[Spoke], routes: Routes, zones: dict[int, str]) -> None:
    """Put what they say behind what single messages say; the order is made afterwards."""
    for one in spoken:
        adding = _Adding(rows, one, one.told, _only_ports(one.module, routes), zones)
        for values in one.said.values:
            adding.values(values)
        for lists in one.said.lists:
            adding.lists(lists)
        for facts in one.said.facts:
            adding.facts(facts)


def _only_ports(modules: Ints, routes: Routes) -> Ints:
    from .columns import only_port

    unique, place = np.unique(modules, return_inverse=True)
    return np.array([only_port(module, routes) for module in unique.tolist()], np.int64)[place]


class _Adding:
    def __init__(
        self, rows: Rows, one: Spoke, told: NDArray[np.bool_], ports: Ints, zones: dict[int, str]
    ) -> None:
        self.rows, self.one, self.told, self.ports, self.zones = rows, one, told, ports, zones

    def values(self, part: Values) -> None:
        from .columns import Instant, where_of

        chosen = np.flatnonzero(self.told[part.row])
        row = part.row[chosen]
        frame, at = self.one.frame[row], part.at[chosen]
        at = np.where(at == 0, self.one.at[row], at)
        value = part.value[chosen]
        kind = where_of(part.reading_type)
        if kind == "module":
            place = MODULE_CHANNELS.index(part.reading_type)
            columns = (frame.tolist(), value.tolist(), at.tolist())
            for which, amount, when in zip(*columns, strict=True):
                self.rows.instants.append(Instant(which, place, amount, when))
        elif kind == "amount":
            for which in frame.tolist():
                self.rows.left_out[which] = f"{part.register}: an amount without its interval"
        elif kind == "register":
            self.registers(part, row, at, value)

    def registers(self, part: Values | Lists, row: Ints, at: Ints, value: Ints) -> None:
        from .columns import QUALITIES, numbered

        number = numbered(self.rows, part.reading_type, part.register)
        count = len(row)
        self.rows.register_parts.append(
            Registers(
                self.one.frame[row].astype(np.int32),
                np.zeros(count, np.int32),
                at.astype(np.int64),
                self._where(part.port, row),
                np.full(count, number, np.int32),
                value.astype(np.int64),
                np.full(count, QUALITIES[part.quality], np.uint8),
            )
        )

    def _where(self, port: int | None, row: Ints) -> NDArray[np.int32]:
        ports = self.ports[row] if port is None else np.full(len(row), port)
        return np.asarray(ports.astype(np.int32))

    def lists(self, part: Lists) -> None:
        if part.reading_type.startswith("device."):
            return
        chosen = np.flatnonzero(self.told[part.row])
        if part.kind != "deltas":
            row, place = np.nonzero(~part.missing[chosen])
            row = chosen[row]
            at = part.base_time[row] + place * part.step
            self.registers(part, part.row[row], at, part.value[row, place])
            return
        good = self._on_grid(part, chosen)
        self._intervals(part, chosen[good])
        for place in chosen[~good].tolist():
            self._off_grid(part, place)

    def _on_grid(self, part: Lists, chosen: Ints) -> NDArray[np.bool_]:
        """Whether such intervals are those of the local day."""
        if part.step % 60 or 86_400 % part.step:
            return np.zeros(len(chosen), np.bool_)
        base = part.base_time[chosen]
        begins, _length = day_of(base, self.one.company[part.row[chosen]], self.zones)
        return np.asarray((base - begins) % part.step == 0)

    def _intervals(self, part: Lists, chosen: Ints) -> None:
        from .columns import QUALITIES, numbered

        number = numbered(self.rows, part.reading_type, part.register)
        count = len(chosen)
        row = part.row[chosen]
        made = Intervals(
            self.one.frame[row].astype(np.int32),
            np.zeros(count, np.int32),
            self._where(part.port, row),
            np.full(count, number, np.int32),
            part.base_time[chosen],
            np.full(count, part.step // 60, np.int32),
            np.where(part.based[chosen], part.base[chosen], NONE),
            np.full(count, QUALITIES[part.quality], np.uint8),
            np.full(count, NONE, np.int32),
            np.where(part.missing[chosen], 0, part.value[chosen]),
            part.missing[chosen],
        )
        if count:
            self.rows.interval_parts[part.value.shape[1]].append(made)

    def _off_grid(self, part: Lists, place: int) -> None:
        """Registers up to a gap, where the one before is known."""
        from .columns import numbered

        numbered(self.rows, part.reading_type, part.register)
        if not part.based[place]:
            begin = datetime.fromtimestamp(int(part.base_time[place]), UTC)
            self.rows.left_out[int(self.one.frame[part.row[place]])] = (
                f"{part.register}: intervals of {part.step} s that begin at {begin},"
                " and no register to work others out from"
            )
            return
        gaps = np.flatnonzero(part.missing[place])
        known = part.value[place][: gaps[0] if len(gaps) else None]
        value = np.concatenate([part.base[place : place + 1], known]).cumsum()
        at = part.base_time[place] + part.step * np.arange(len(value))
        self.registers(part, np.full(len(value), part.row[place]), at, value)

    def facts(self, part: Facts) -> None:
        chosen = np.flatnonzero(self.told[part.row])
        row, count = part.row[chosen], len(chosen)
        port = MODULE_PORT if part.port is None else part.port
        self.rows.event_parts.append(
            Events(
                self.one.frame[row].astype(np.int32),
                np.zeros(count, np.int32),
                part.at[chosen],
                np.full(count, port, np.int32),
                np.full(count, part.code, np.int32),
                np.full(count, max(part.detail, 0), np.int32),
            )
        )
