"""How fast messages of each kind of device type are read: `python -m bench.kinds`.

The good tests of all types that ship, on one core, in three ways: by their compiled type alone,
meaning included (readings, series, events); as collection reads them, from messages in batches with
everything that must be known of them to values for the loader; and, where messages of one shape are
read together in columns, such batches. Needs no services.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import django
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.decoding import Arrival, CompiledType, Decoded
    from ingestion.foreign.messages import Message
    from ingestion.pipeline import Known

__all__ = ["figures"]

_ROUNDS = 5
_SECONDS = 0.5
_BATCH = 500
_COMPANY, _ZONE = 1, "Europe/Kyiv"
# What an installation says where a test does not.
_INSTALLED = {"zone": _ZONE, "pulse_weight": 10, "pulse_unit": "L", "sampling_period": 3_600}


def figures() -> list[dict[str, Any]]:
    """Rows for each kind that some shipped type is of."""
    samples = list(_samples())
    rows = []
    for kind in sorted({one.kind for one in samples}):
        mine = [one for one in samples if one.kind == kind]
        rate = _median(partial(_decode_all, mine), len(mine))
        name = f"decode telegrams of kind {kind}, {len(mine)} telegrams of the library, one core"
        rows.append(_row(name, rate, "telegrams/s"))
    site = _Site(samples)
    for kind, listed in sorted(site.messages.items()):
        if listed:
            rows += _collected(f"of kind {kind}, {len(listed)} of the library", site, listed)
    for name, message in site.long_ones():
        rows += _collected(f"of {name}, read together", site, [message])
    return rows


def _collected(what: str, site: _Site, messages: list[Message]) -> list[dict[str, Any]]:
    """Messages and values a second, by the way that collection takes."""
    batch = [messages[place % len(messages)] for place in range(_BATCH)]
    values = site.values(batch)
    rate = _median(partial(site.read, batch), len(batch))
    each = rate * values / len(batch)
    return [
        _row(f"messages {what}, to values for the loader, one core", rate, "messages/s"),
        _row("the same in values", each, "values/s"),
    ]


def _row(name: str, value: float, unit: str) -> dict[str, Any]:
    figure = {"name": name, "value": round(value), "unit": unit}
    return figure | {"must": None, "aim": None, "better": "higher"}


@dataclass(frozen=True, slots=True)
class _Sample:
    """A good test of a type: its telegram and how that came."""

    code: str
    text: str
    compiled: CompiledType
    payload: bytes
    arrival: Arrival

    @property
    def kind(self) -> str:
        return self.compiled.definition.decode.kind

    def decode(self) -> Decoded:
        return self.compiled.decode(self.payload, context=self.arrival)


def _samples() -> Iterator[_Sample]:
    from ingestion.decoding.testing import arrival_of, telegrams_of
    from ingestion.inspection.types import TYPES_FOLDER, compiled_type

    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        compiled, text = compiled_type(path.stem), path.read_text(encoding="utf-8")
        for test in compiled.definition.tests:
            for payload in () if test.refused else telegrams_of(test, _kind(compiled)):
                yield _Sample(path.stem, text, compiled, payload, arrival_of(test))


def _kind(compiled: CompiledType) -> str:
    return compiled.definition.decode.kind


def _decode_all(samples: list[_Sample]) -> None:
    for one in samples:
        one.decode()


@dataclass(slots=True)
class _Site:
    """A company with a module of each sample whose message says who sends it, all in memory."""

    samples: list[_Sample]
    messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    known: Known = field(init=False)
    _coded: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        from ingestion.foreign.devices import Foreign, ForeignDevice
        from ingestion.foreign.messages import normal
        from ingestion.foreign.types import ForeignTypes, type_made

        texts = {one.code: one.text for one in self.samples}
        types = [type_made(number, number, *one) for number, one in enumerate(texts.items(), 1)]
        numbers = {one.code: one.id for one in types if one is not None}
        foreign = Foreign(ForeignTypes(one for one in types if one is not None))
        modules: dict[tuple[int, str], int] = {}
        keys: list[Arrival] = []
        for one in self.samples:
            identity = one.decode().identity
            if identity is None or identity.scheme == "dev_eui":
                continue
            key = numbers[one.code], normal(identity.value)
            if key not in modules:
                modules[key] = len(modules) + 1
                keys.append(one.arrival)
                config = {**_INSTALLED, **one.arrival.config}
                foreign.put([(key, ForeignDevice(modules[key], _COMPANY, config))])
            self._add(one, modules[key])
        self.known = _known(keys)
        self.known.foreign = foreign
        self._route()

    def _add(self, one: _Sample, module: int) -> None:
        from ingestion.foreign.messages import Message
        from ingestion.models import Transport

        topic, at = one.arrival.topic, time.time_ns() // 1_000
        source = f"mqtt:{topic}" if topic else f"10.0.{module >> 8}.{module & 255}"
        ways = {"tcp": Transport.TCP, "mqtt": Transport.MQTT}
        way = Transport.MQTT if topic else ways.get(one.arrival.transport, Transport.UDP)
        message = Message(one.payload, int(way), source, at)
        self.messages[one.kind].append(message)
        self._coded[one.code].append(message)

    def _route(self) -> None:
        """A channel for each register that any message tells of; what is not read is left out."""
        from ingestion.foreign.work import resolved, work_of

        found: set[tuple[int, int, int]] = set()
        for kind, listed in self.messages.items():
            work = work_of(listed, self.known)
            self.messages[kind] = [listed[frame] for frame in work.new.tolist()]
            columns = resolved(work, self.known).columns
            module = self.known.devices.module[work.row[work.new]]
            parts: list[Any] = [columns.registers, *columns.intervals]
            for part in parts:
                rows = zip(module[part.frame], part.port, part.register, strict=True)
                found.update((int(a), int(b), int(c)) for a, b, c in rows)
        self.known.routes = _routes(sorted(found))

    def read(self, batch: list[Message]) -> Any:
        """The way that collection takes, up to what the loader is given."""
        from ingestion.foreign.work import resolved, work_of

        return resolved(work_of(batch, self.known), self.known).collected.together()

    def values(self, batch: list[Message]) -> int:
        return sum(map(len, self.read(batch)))

    def long_ones(self) -> Iterator[tuple[str, Message]]:
        """Messages with 24 values and more, of the types that are read together."""
        if "dragino_sw3l_nb" in self._coded:
            message = self._coded["dragino_sw3l_nb"][0]
            log = b"".join((40_000 - n).to_bytes(4, "big") + _hour(n) for n in range(24))
            yield (
                "Dragino SW3L-NB with 25 values",
                message._replace(payload=message.payload[:35] + log),
            )
        if "adeunis_pulse_4_nbiot" in self._coded:
            message = self._coded["adeunis_pulse_4_nbiot"][0]
            deltas = bytes(range(48))
            payload = message.payload[:19] + deltas + message.payload[-4:]
            yield "Adeunis Pulse 4 NB-IoT with 24 values", message._replace(payload=payload)


def _hour(number: int) -> bytes:
    return (1_704_067_200 - 3_600 * number).to_bytes(4, "big")


def _known(keys: list[Arrival]) -> Known:
    """Modules 1, 2 … with these keys."""
    from ingestion.pipeline import Known
    from ingestion.registry import Companies, Devices, Flag
    from ingestion.routing import ModuleChannels, Routes

    rows = Devices.empty(len(keys))
    rows.module = np.arange(len(keys), 0, -1)
    rows.device = -rows.module
    rows.company[:], rows.flags[:] = _COMPANY, Flag.ACTIVE
    for row, module in enumerate(rows.module.tolist()):
        for selector, name in enumerate(("encryption", "authentication")):
            key = keys[module - 1].keys.get(name, b"")
            if len(key) == rows.keys.shape[2]:
                rows.keys[row, selector] = np.frombuffer(key, np.uint8)
                rows.flags[row] |= Flag.KEY << selector
    nobody = np.zeros((0, 5), np.int64)
    none = ModuleChannels(np.zeros(0, np.int64), nobody, nobody.astype(np.int16))
    return Known(Companies([(_COMPANY, _ZONE, [])]), rows, Routes.empty(), none)


def _routes(found: list[tuple[int, int, int]]) -> Any:
    from ingestion.routing import OPEN_END, Routes, route_key

    routes = Routes.empty()
    count = len(found)
    numbers = np.arange(1, count + 1, dtype=np.int64)
    routes.key = np.array([route_key(*one) for one in found], np.int64)
    order = np.argsort(routes.key)
    routes.key = routes.key[order]
    routes.start, routes.end = np.zeros(count, np.int64), np.full(count, OPEN_END)
    routes.channel, routes.register = 2 * numbers, 2 * numbers + 1
    routes.interval, routes.instant = np.full(count, 60, np.int16), np.zeros(count, np.bool_)
    routes.digits, routes.company = np.full(count, 8, np.int8), np.full(count, _COMPANY, np.int32)
    routes.multiplier, routes.scale = np.full(count, 10_000), np.zeros(count, np.int16)
    return routes


def _median(work: Callable[[], Any], count: int) -> float:
    return statistics.median(_rate(work, count) for _ in range(_ROUNDS))


def _rate(work: Callable[[], Any], count: int) -> float:
    done, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < _SECONDS:
        work()
        done += count
    return done / passed


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    sys.stdout.write(json.dumps(figures(), indent=1) + "\n")


if __name__ == "__main__":
    main()
