"""A fleet at work: what has ended is told, what was told is delivered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from ingestion.emulator.courier import Courier, Manners
from ingestion.emulator.ledger import Ledger
from ingestion.emulator.links import link_open
from ingestion.emulator.memory import Memory
from ingestion.emulator.meters import joined
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.emulator.profiles import SHAPES, amounts, calendar
from ingestion.emulator.responding import Responder
from ingestion.emulator.stock import stock_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ingestion.emulator.fleet import Modules
    from ingestion.emulator.meters import Message, Meters
    from ingestion.emulator.stock import Stock

    Ints = NDArray[np.int64]

__all__ = ["Fleet", "Plan", "fleet_build", "port_of"]

# New frames are only made while fewer wait: a fleet of any size needs bounded memory.
_MOST_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What `emulate` was asked for. start: Unix seconds, for registers of which nothing is stored;
    most: values of a profile; rate: frames a second, 0 for no limit; series: increments to replay
    in place of load profiles, one an interval, over and over."""

    transport: str
    host: str
    port: int | None = None
    companies: Sequence[int] = ()
    devices: int = 0
    start: int | None = None
    most: int = 24
    rate: float = 0.0
    seed: int = 1
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    manners: Manners = field(default_factory=Manners)
    ledger: Path | None = None
    series: Sequence[int] = ()


class Fleet:
    """Meters that count, modules that tell, a courier that delivers."""

    def __init__(self, stock: Stock, courier: Courier, plan: Plan) -> None:
        self.modules: Modules = stock.modules
        self.meters: Meters = stock.meters
        self.courier = courier
        self.plan = plan
        self.memory = Memory()
        self.responder = Responder(courier, stock.meters, self.memory)
        self._kind = np.array(stock.kind)
        self._chance = np.random.default_rng(plan.seed)
        self._yearly = self._draw_yearly(stock)
        self._posted_at = time.monotonic()
        self._series = np.array(plan.series, np.int64)

    @property
    def mischief(self) -> dict[str, int]:
        """What went wrong on purpose, and how often."""
        return self.courier.mischief.counts

    def turn(self) -> bool:
        """Tell what has ended, as much as the rate allows, and step; True when nothing is left."""
        if self.courier.waiting < _MOST_WAITING:
            self._tell()
        if not self.courier.busy:
            self.courier.report()
        self.courier.step()
        return not self.courier.waiting and not bool(self._closed().any())

    def close(self) -> None:
        self.courier.link.close()
        self.courier.ledger.close()

    def _closed(self) -> Ints:
        return self.meters.closed(self._clocks())

    def _clocks(self) -> Ints:
        """What each register's module takes for the time, whole seconds."""
        return np.asarray(self.modules.time(self.meters.row, time.time())).astype(np.int64)

    def _tell(self) -> None:
        now = self._clocks()
        allowed = self._allowed()
        due = np.flatnonzero(self.meters.closed(now))
        if not len(due) or not allowed:
            return
        # The modules whose data is oldest come first.
        rows = self.meters.row[due[np.argsort(self.meters.next_start[due], kind="stable")]]
        chosen = rows[np.sort(np.unique(rows, return_index=True)[1])][:allowed]
        speaks = np.isin(self.meters.row, chosen)
        self._upset(np.flatnonzero(speaks))
        quiet = np.where(speaks, now, 0)
        told = self.meters.tell(quiet, self._amounts, most=self.plan.most)
        self.memory.keep(told)
        self.courier.post(joined(self._with_gaps(told)))

    def _allowed(self) -> int:
        """Modules that may speak now."""
        if not self.plan.rate:
            return _MOST_WAITING
        passed = time.monotonic() - self._posted_at
        allowed = int(passed * self.plan.rate)
        self._posted_at += allowed / self.plan.rate
        return allowed

    def _upset(self, lines: Ints) -> None:
        """Registers that begin anew, and meters that were replaced, before this report."""
        rules, drawn = self.plan.misbehaviour, self._chance.random(len(lines))
        reset = lines[drawn < rules.reset]
        other = lines[(drawn >= rules.reset) & (drawn < rules.reset + rules.exchange)]
        self.meters.opening[reset] = 0
        self.meters.opening[other] = self._chance.integers(0, 1_000, len(other))
        for name, rows in (("reset", reset), ("exchange", other)):
            if len(rows):
                self.mischief[name] = self.mischief.get(name, 0) + len(rows)

    def _with_gaps(self, told: list[Message]) -> list[Message]:
        """Without the reports that a module only remembers."""
        share = self.plan.misbehaviour.gap
        if not share:
            return told
        kept = self._chance.random(len(told)) >= share
        self.mischief["gap"] = self.mischief.get("gap", 0) + int((~kept).sum())
        return [message for message, sent in zip(told, kept.tolist(), strict=True) if sent]

    def _amounts(self, lines: Ints, starts: Ints, interval: int) -> Ints:
        if len(self._series):
            place = starts // (interval * 60) % len(self._series)
            return np.repeat(self._series[place][None, :], len(lines), axis=0)
        made = np.zeros((len(lines), len(starts)), np.int64)
        when = calendar(starts, "UTC")
        for kind in np.unique(self._kind[lines]).tolist():
            chosen = np.flatnonzero(self._kind[lines] == kind)
            yearly = self._yearly[lines[chosen]]
            made[chosen] = amounts(SHAPES[kind], yearly, when, interval, self._chance)
        return made

    def _draw_yearly(self, stock: Stock) -> NDArray[np.float64]:
        """What each register counts in a year, in its own counts."""
        bounds = np.array([SHAPES[kind].yearly for kind in stock.kind], np.float64).reshape(-1, 2)
        yearly = self._chance.uniform(bounds[:, 0], bounds[:, 1])
        return np.asarray(np.where(stock.bulk, yearly * 50, yearly) / stock.factor)


def fleet_build(plan: Plan) -> Fleet:
    """The fleet of the database, connected."""
    stock = stock_read(plan.companies, start=plan.start)
    if plan.devices:
        stock = _first(stock, plan.devices)
    chance = np.random.default_rng(plan.seed)
    modules, drift = stock.modules, plan.misbehaviour.drift
    modules.clock[:] = chance.uniform(-drift, drift, len(modules))
    modules.drift[:] = chance.uniform(-drift, drift, len(modules))
    modules.set_at[:] = time.time()
    port = port_of(plan.transport) if plan.port is None else plan.port
    courier = Courier(
        modules,
        link_open(plan.transport, plan.host, port, modules.label),
        Ledger(plan.ledger),
        Mischief(plan.misbehaviour, plan.seed),
        plan.manners,
    )
    return Fleet(stock, courier, plan)


def port_of(transport: str) -> int:
    """Where this server listens for a transport; a broker's address has its own."""
    return int(getattr(settings, f"INGEST_{transport.upper()}_PORT", 0))


def _first(stock: Stock, devices: int) -> Stock:
    """Only the first modules; the rows of the others stay, silent, without registers."""
    keep = np.flatnonzero(stock.meters.row < devices)
    columns = [getattr(stock.meters, name)[keep] for name in stock.meters.__dataclass_fields__]
    return stock._replace(
        meters=type(stock.meters)(*columns),
        channel=stock.channel[keep],
        kind=[stock.kind[place] for place in keep.tolist()],
        bulk=stock.bulk[keep],
        factor=stock.factor[keep],
    )
