"""How fast readings are collected: `python -m config.embedded exec -- python -m bench.collection`.

On whatever the machine has: (1) sealed frames of 24 values → authenticated, decoded, committed,
answers sealed, by one engine and by two that share the devices, each in a process of its own,
beside bare binary COPY of the same blocks; (2) the same with frames of one register, of which the
hour before it is worked out; (3) frames of 24 values over UDP on the loopback with a sender in a
process of its own that repeats what is not acknowledged.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import select
import socket
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import django

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VALUES = 24
_DAY = 86_400
_HOUR = 3_600
_PORT, _REGISTER = 1, 0
# Modules that tell registers only, beside those of the other figures.
_COUNTERS = 10_000
_IN_FLIGHT = 4_000
_RATE, _RATIO = "in process, readings/s", "ratio"
_BARE = "bare COPY of the same blocks, readings/s"
_UDP = "over UDP with acknowledgements, readings/s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=6, help="measured, after one to warm up")
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--engines", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--no-udp", action="store_true", help="measure in process only")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fleet = _fleet(options.devices + _COUNTERS)
    fleet, counters = fleet[:-_COUNTERS], fleet[-_COUNTERS:]
    found: dict[str, Any] = {}
    for number, engines in enumerate(options.engines):
        found[f"{engines} engines"] = _in_process(
            fleet, options.rounds, options.batch, engines=engines, after=100 * number
        )
    found["registers"] = _in_process(
        counters, options.rounds, options.batch, engines=2, said=_REGISTERS
    )
    if not options.no_udp:
        found["udp"] = _over_udp(fleet, options.rounds)
    sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return 0


def figures(
    *,
    devices: int = 20_000,
    others: Sequence[int] = (10_000, 100_000, 1_000_000),
    rounds: int = 6,
) -> list[dict[str, Any]]:
    """The rows of the table, in an empty database: medians of the rounds after the first.

    others: numbers of channels for which the cost of a reading is shown beside the main one.
    """
    from bench.listener import listener_figures

    fleet = _fleet(max(devices, *others) + _COUNTERS)
    fleet, counters = fleet[:-_COUNTERS], fleet[-_COUNTERS:]
    one = _in_process(fleet[:devices], rounds, 5_000)
    two = _in_process(fleet[:devices], rounds, 5_000, engines=2, after=100)
    registers = _in_process(counters, rounds, 5_000, engines=2, said=_REGISTERS)
    over_udp = _over_udp(fleet[:devices], 6)
    higher = {"unit": "readings/s", "must": None, "aim": None, "better": "higher"}
    rows = [
        {"name": "decode + load in process, two engines ÷ bare binary COPY of the same blocks"}
        | {"value": two[_RATIO], "unit": "", "must": 0.25, "aim": 0.4, "better": "higher"},
        {"name": "the same with one engine"}
        | {"value": one[_RATIO], "unit": "", "must": None, "aim": None, "better": "higher"},
        higher
        | {"name": "decode + load in process, two engines on two cores", "value": two[_RATE]}
        | {"must": 600_000, "aim": 1_000_000},
        higher | {"name": "the same with one engine", "value": one[_RATE]},
        higher | {"name": "bare binary COPY of the same blocks", "value": two[_BARE]},
        higher
        | {"name": "registers, one a frame, to hourly values, two engines on two cores"}
        | {"value": registers[_RATE]},
        higher
        | {"name": "over UDP with acknowledgements, sender on the same two cores"}
        | {"value": over_udp[_UDP], "must": 250_000, "aim": 500_000},
    ]
    for number, channels in enumerate(others, 1):
        after = _UDP_AFTER + number * 1_000
        run = _in_process(fleet[:channels], 3, 5_000, engines=2, after=after)
        name = f"decode + load in process, two engines, {channels:,} channels"
        rows.append(higher | {"name": name, "value": run[_RATE]})
    return rows + listener_figures(len(fleet))


def _fleet(devices: int) -> list[tuple[bytes, bytes]]:
    """(device id, key) of modules that are all in the database, each with a meter installed."""
    from bench.fleet import fleet_make

    return fleet_make(devices)


def _sealed(fleet: Sequence[tuple[bytes, bytes]], day: int, counter: int) -> list[bytes]:
    """A frame of each device for the day that starts at `day`: household water, seven bits."""
    import numpy as np
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ingestion.codecs.sealing import seal_packed
    from ingestion.codecs.universal_frame import Direction
    from ingestion.codecs.universal_frames import Profiles, pack_headers, profiles

    count = len(fleet)
    values = np.random.default_rng(counter).geometric(0.05, (count, VALUES)).clip(0, 127)
    values[values < 8] = 0
    rows = Profiles(
        np.full(count, _PORT),
        np.full(count, _REGISTER),
        np.full(count, day),
        60,
        np.full(count, 1_000 * counter),
        values,
    )
    device = np.array([int.from_bytes(one, "big") for one, _ in fleet], np.uint64)
    headers = pack_headers(Direction.UP, np.zeros(count, np.uint8), device, np.full(count, counter))
    return [
        seal_packed(AESGCM(key), header, plain)
        for (_, key), header, plain in zip(fleet, headers, profiles(rows), strict=True)
    ]


def _sealed_registers(fleet: Sequence[tuple[bytes, bytes]], at: int, counter: int) -> list[bytes]:
    """A frame of each device with what its counter shows at `at`."""
    import numpy as np
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ingestion.codecs.sealing import seal_packed
    from ingestion.codecs.universal import encode
    from ingestion.codecs.universal_frame import Direction
    from ingestion.codecs.universal_frames import pack_headers
    from ingestion.codecs.universal_messages import RegisterSnapshot, RegisterValue

    count = len(fleet)
    values = 1_000 + 20 * counter + np.random.default_rng(counter).integers(0, 20, count)
    device = np.array([int.from_bytes(one, "big") for one, _ in fleet], np.uint64)
    headers = pack_headers(Direction.UP, np.zeros(count, np.uint8), device, np.full(count, counter))
    plain = [
        encode([RegisterSnapshot(at, (RegisterValue(_PORT, _REGISTER, value),))])
        for value in values.tolist()
    ]
    return [
        seal_packed(AESGCM(key), header, one)
        for (_, key), header, one in zip(fleet, headers, plain, strict=True)
    ]


class _Said(NamedTuple):
    """What the frames of a round say: how they are made, seconds from one to the next of a device,
    and how many readings each holds."""

    sealed: Callable[[Sequence[tuple[bytes, bytes]], int, int], list[bytes]]
    step: int
    readings: int


_PROFILES = _Said(_sealed, _DAY, VALUES)
_REGISTERS = _Said(_sealed_registers, _HOUR, 1)

_days_used = 2


def _first_day(days: int) -> int:
    """The first of so many days that no run before has filled."""
    global _days_used
    _days_used += days
    return int(time.time()) // _DAY * _DAY - _days_used * _DAY


class _Sink:
    """A transport that takes answers and drops them."""

    code = 0

    def __init__(self) -> None:
        self.answered = 0
        self._changed = threading.Condition()

    def acknowledge(self, arrivals: Any, answers: Any) -> None:
        with self._changed:
            self.answered += sum(answer is not None for answer in answers)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self.answered >= count, 600):
                raise RuntimeError(f"{self.answered} of {count} frames were acknowledged")


# A round is long enough that what happens at its ends does not matter.
_FRAMES_A_ROUND = 60_000


def _in_process(
    fleet: Sequence[tuple[bytes, bytes]],
    rounds: int,
    size: int,
    *,
    engines: int = 1,
    after: int = 0,
    said: _Said = _PROFILES,
) -> dict[str, Any]:
    """after: frame counters begin behind so many that were used before.

    Profiles are measured beside bare COPY of what they leave.
    """
    from django.db import connection

    connection.close()
    times = max(1, _FRAMES_A_ROUND // len(fleet))
    first = _first_day(-(-(rounds + 1) * times * said.step // _DAY))
    context = multiprocessing.get_context("fork")
    gate, told = context.Barrier(engines + 1), context.SimpleQueue()
    workers = [
        context.Process(
            target=_engine_process,
            args=(fleet, said, (rounds + 1, times, size, after, first), engines, gate, told),
        )
        for _ in range(engines)
    ]
    for worker in workers:
        worker.start()
    rates, bare, spent, served = [], [], [], []
    for number in range(rounds + 1):
        gate.wait()
        begin = time.perf_counter()
        gate.wait()
        seconds = time.perf_counter() - begin
        rows = [told.get() for _ in range(engines)]
        frames = sum(row["frames"] for row in rows)
        if number:
            rates.append(frames * said.readings / seconds)
            spent.append(sum(row["engine"] for row in rows) / frames * 1e6)
            served.append(sum(row["server"] for row in rows) / frames * 1e6)
        if said is _PROFILES:
            bare.append(_bare_copy(number, size))
    for worker in workers:
        worker.join()
    rate = statistics.median(rates)
    found = {
        _RATE: round(rate),
        "processor time of the engines, µs a frame": round(statistics.median(spent), 1),
        "processor time of PostgreSQL, µs a frame": round(statistics.median(served), 1),
        "of each round": [round(one) for one in rates],
    }
    if not bare:
        return found
    plain = statistics.median(bare)
    return found | {
        _BARE: round(plain),
        _RATIO: round(rate / plain, 3),
        "bare of each round": [round(one) for one in bare],
    }


def _engine_process(
    fleet: Sequence[tuple[bytes, bytes]],
    said: _Said,
    plan: tuple[int, int, int, int, int],
    engines: int,
    gate: Any,
    told: Any,
) -> None:
    """One engine that takes the frames of its share of the devices, round by round."""
    import numpy as np
    from django.db import connection

    from ingestion.engine import Engine, EngineState
    from ingestion.transports.intake import Arrival, Intake

    rounds, times, size, after, first = plan
    connection.close()
    intake, sink = Intake(size=size, limit=4 * size), _Sink()
    engine = Engine(intake, shares=engines)
    engine.start()
    while engine.state != EngineState.WORKING or len(engine.shares.held) != 1:
        time.sleep(0.05)
    mine = engine.shares.ours(np.array([int.from_bytes(one, "big") for one, _ in fleet], np.uint64))
    ours = [pair for pair, chosen in zip(fleet, mine.tolist(), strict=True) if chosen]
    server = _server_of(engine)
    for number in range(rounds):
        arrivals = [
            Arrival(frame, "127.0.0.1", None)
            for turn in range(number * times, (number + 1) * times)
            for frame in said.sealed(ours, first + turn * said.step, after + turn + 1)
        ]
        gate.wait()
        used, asked = time.process_time(), _processor_time(server)
        for at in range(0, len(arrivals), size):
            while not intake.put(sink, arrivals[at : at + size]):
                pass
        sink.wait(len(ours) * times * (number + 1))
        gate.wait()
        told.put(
            {
                "frames": len(arrivals),
                "engine": time.process_time() - used,
                "server": _processor_time(server) - asked,
            }
        )
    engine.stop()


def _server_of(engine: Any) -> int:
    """Process id of PostgreSQL's side of the connection that holds the engine's share."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, %s)",
            ["ingestion engine", engine.shares.first],
        )
        return int(cursor.fetchone()[0])


def _processor_time(process: int) -> float:
    """Seconds; 0 for a server on another machine."""
    try:
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bare_copy(number: int, size: int) -> float:
    """COPY the blocks of the last day stored into an empty table of the same form."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_bare")
        cursor.execute("CREATE TABLE bench_bare (LIKE meters_interval_block INCLUDING ALL)")
        cursor.execute("SELECT max(day) FROM meters_interval_block")
        day = cursor.fetchone()[0]
        cursor.execute(
            "SELECT channel_id FROM meters_interval_block WHERE day = %s ORDER BY 1", [day]
        )
        channels = [row[0] for row in cursor.fetchall()]
        query = "SELECT * FROM meters_interval_block WHERE day = %s AND channel_id = ANY(%s)"
        parts = []
        for at in range(0, len(channels), size):
            source = f"COPY ({query}) TO STDOUT (FORMAT BINARY)"
            with cursor.copy(source, [day, channels[at : at + size]]) as stream:
                parts.append(b"".join(bytes(piece) for piece in stream))
        begin = time.perf_counter()
        for part in parts:
            with transaction.atomic():
                with cursor.copy("COPY bench_bare FROM STDIN (FORMAT BINARY)") as stream:
                    stream.write(part)
        return len(channels) * VALUES / (time.perf_counter() - begin)


# Frame counters only grow: beyond those of the runs in process before it.
_UDP_AFTER = 10_000


def _over_udp(fleet: Sequence[tuple[bytes, bytes]], days: int) -> dict[str, Any]:
    from django.db import connection

    from ingestion.collection import Collection
    from ingestion.models import Transport

    connection.close()
    first = _first_day(days)
    frames = [
        frame
        for number in range(days)
        for frame in _sealed(fleet, first + number * _DAY, _UDP_AFTER + number)
    ]
    collection = Collection(host="127.0.0.1", udp_port=0, tcp_port=0)
    collection.start()
    while (port := collection.port(Transport.UDP)) is None:
        time.sleep(0.05)
    told: Any = multiprocessing.get_context("fork").SimpleQueue()
    sender = multiprocessing.get_context("fork").Process(target=_send, args=(port, frames, told))
    sender.start()
    seconds, sent = told.get()
    sender.join()
    dropped = collection.listeners[Transport.UDP].note_drops()
    collection.stop()
    return {
        _UDP: round(len(frames) * VALUES / seconds),
        "frames": len(frames),
        "datagrams sent": sent,
        "dropped by the kernel": dropped,
    }


def _send(port: int, frames: list[bytes], told: Any) -> None:
    """Send every frame until it is acknowledged; at most so many wait for their answers."""
    waiting: dict[bytes, tuple[bytes, float]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        sender.connect(("127.0.0.1", port))
        sender.setblocking(False)
        begin, sent, queue = time.perf_counter(), 0, iter(frames)
        more = True
        while more or waiting:
            sent += (filled := _fill(sender, queue, waiting))
            more = filled > 0 or (more and len(waiting) >= _IN_FLIGHT)
            _collect(sender, waiting)
            if not more and waiting:
                sent += _repeat(sender, waiting)
        told.put((time.perf_counter() - begin, sent))


def _fill(sender: socket.socket, queue: Any, waiting: dict[bytes, tuple[bytes, float]]) -> int:
    now, count = time.monotonic(), 0
    while len(waiting) < _IN_FLIGHT:
        frame = next(queue, None)
        if frame is None:
            break
        # An answer names the device; each device has one frame under way.
        waiting[frame[1:9]] = (frame, now)
        sender.send(frame)
        count += 1
    return count


def _collect(sender: socket.socket, waiting: dict[bytes, tuple[bytes, float]]) -> None:
    select.select([sender], [], [], 0.05)
    try:
        while True:
            waiting.pop(sender.recv(2048)[1:9], None)
    except BlockingIOError:
        return


def _repeat(sender: socket.socket, waiting: dict[bytes, tuple[bytes, float]]) -> int:
    now, count = time.monotonic(), 0
    for device, (frame, at) in list(waiting.items()):
        if now - at > 2:
            waiting[device] = (frame, now)
            sender.send(frame)
            count += 1
    return count


if __name__ == "__main__":
    sys.exit(main())
