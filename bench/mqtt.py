"""How fast frames come over MQTT: `python -m config.embedded exec --temporary -- python -m bench.mqtt`.

Two figures. (1) A backlog of sealed frames of 24 values at the broker, QoS 1: how fast the whole
service drains it (authenticated, committed, answered, then acknowledged), over how fast one bare
paho client does that only acknowledges; in turn, in one run. (2) Frames a second over the endpoint
for modules that connect to us, PUBACK after the commit, with a sender in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import select
import socket
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.collection import Collection

    Fleet = Sequence[tuple[bytes, bytes]]

VALUES = 24
_DAY = 86_400
# Frames that the sender has under way: all together at the broker, of each module at the endpoint.
_WINDOW, _MODULE_WINDOW = 2_000, 4
# So many days ago is day 0; every round sends the next one.
_DAYS = 60
_READ = 1 << 18


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--modules", type=int, default=2_000, help="connections to the endpoint")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    found = figures(options.devices, rounds=options.rounds, modules=options.modules)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


def figures(
    devices: int = 10_000, *, rounds: int = 3, modules: int = 2_000
) -> list[dict[str, Any]]:
    """The rows of the table, in an empty database; medians of `rounds`."""
    from bench.fleet import fleet_make

    fleet = fleet_make(devices)
    days = iter(range(1, _DAYS))
    bare, ours = [], []
    # The first round warms plans and partitions up.
    for _ in range(rounds + 1):
        bare.append(_bare(_messages(fleet, next(days))))
        ours.append(_ours(_messages(fleet, next(days))))
    bare, ours = bare[1:], ours[1:]
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    straight = _endpoint(fleet[:modules], [next(days) for _ in range(15)])
    return [
        _row("MQTT QoS 1 from the broker ÷ a bare paho client", ratios, "", 0.6, 0.9),
        _row("MQTT QoS 1 from the broker", ours, "frames/s", 5_000, 15_000),
        _row("a bare paho client at the same broker", bare, "frames/s", None, None),
        _row("MQTT endpoint, PUBACK after the commit", straight, "frames/s", 5_000, 15_000),
    ]


def _row(
    name: str, values: list[float], unit: str, must: float | None, aim: float | None
) -> dict[str, Any]:
    value = statistics.median(values)
    return {
        "name": name,
        "value": round(value, 3) if value < 100 else round(value),
        "unit": unit,
        "must": must,
        "aim": aim,
        "better": "higher",
        "of each": [round(one, 3) if one < 100 else round(one) for one in values],
    }


def _messages(fleet: Fleet, number: int) -> list[bytes]:
    """A PUBLISH of each device: one day of household water, sealed."""
    from ingestion.codecs.universal_frame import device_label
    from ingestion.transports.mqtt_packets import publish_packet
    from ingestion.transports.mqtt_topics import up_topic

    topics = (up_topic(device_label(device)).encode() for device, _ in fleet)
    frames = zip(topics, _sealed(fleet, number), strict=True)
    return [
        publish_packet(topic, frame, place % 60_000 + 1)
        for place, (topic, frame) in enumerate(frames)
    ]


def _sealed(fleet: Fleet, number: int) -> list[bytes]:
    import numpy as np
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ingestion.codecs.sealing import seal_packed
    from ingestion.codecs.universal_frame import Direction
    from ingestion.codecs.universal_frames import Profiles, pack_headers, profiles

    count = len(fleet)
    values = np.random.default_rng(number).geometric(0.05, (count, VALUES)).clip(0, 127)
    values[values < 8] = 0
    start = int(time.time()) // _DAY * _DAY - (_DAYS - number) * _DAY
    rows = Profiles(
        np.full(count, 1),
        np.full(count, 0),
        np.full(count, start),
        60,
        np.full(count, 1_000 * number),
        values,
    )
    device = np.array([int.from_bytes(one, "big") for one, _ in fleet], np.uint64)
    counter = np.full(count, number)
    headers = pack_headers(Direction.UP, np.zeros(count, np.uint8), device, counter)
    return [
        seal_packed(AESGCM(key), header, plain)
        for (_, key), header, plain in zip(fleet, headers, profiles(rows), strict=True)
    ]


def _bare(messages: list[bytes]) -> float:
    """Messages a second into paho as it comes; it acknowledges and does nothing else."""
    client, count, times = _paho(), len(messages), []
    subscribed, finished = threading.Event(), threading.Event()

    def on_message(*_details: Any) -> None:
        times.append(time.perf_counter())
        if len(times) == count:
            finished.set()

    client.on_message = on_message
    client.on_connect = lambda *_details: client.subscribe("readout/v1/up/+/+", 1)
    client.on_subscribe = lambda *_details: subscribed.set()
    client.loop_start()
    subscribed.wait(30)
    _leave(client)
    _publish(messages)
    client.reconnect()
    client.loop_start()
    if not finished.wait(120):
        raise RuntimeError(f"only {len(times)} of {count} messages came")
    # The acknowledgement of the last one has left when the broker answers what came after it.
    gone = threading.Event()
    client.on_unsubscribe = lambda *_details: gone.set()
    client.unsubscribe("readout/v1/up/+/+")
    gone.wait(30)
    _leave(client)
    return count / (times[-1] - times[0])


def _paho() -> Any:
    from django.conf import settings
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    from ingestion.transports.mqtt_session import BrokerAddress

    address = BrokerAddress.parse(settings.MQTT_URL)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, "bench", clean_session=False, protocol=paho.MQTTv311
    )
    client.username_pw_set(address.user, address.password)
    client.connect(address.host, address.port)
    return client


def _leave(client: Any) -> None:
    client.disconnect()
    client.loop_stop()


def _ours(messages: list[bytes]) -> float:
    """Frames a second from the first one received to the last one acknowledged."""
    first = _collecting()
    first.stop()
    _publish(messages)
    collection = _started()
    broker = _wait(lambda: collection.broker)
    _wait(lambda: broker.received)
    begin = time.perf_counter()
    _wait(lambda: collection.engine.figures.frames >= len(messages) and not broker._outbox)
    seconds = time.perf_counter() - begin
    stored = collection.engine.figures.stored
    collection.stop()
    _forget_sessions()
    if stored != len(messages):
        raise RuntimeError(f"only {stored} of {len(messages)} frames were stored")
    return len(messages) / seconds


def _forget_sessions() -> None:
    """The next round's bare client must not have the broker keep its messages for us too."""
    from django.conf import settings

    from config.embedded.mqtt_login import DISCONNECT, connect_packet
    from ingestion.mqtt_brokers import client_secret
    from ingestion.transports.mqtt_session import BrokerAddress
    from ingestion.transports.mqtt_topics import SHARDS

    address = BrokerAddress.parse(settings.MQTT_URL)
    for shard in SHARDS:
        # A clean session in place of the one that was kept.
        name = f"readout{shard}{client_secret()}"
        with socket.create_connection((address.host, address.port)) as client:
            client.sendall(connect_packet(name, address.user, address.password))
            client.recv(4)
            client.sendall(DISCONNECT)


def _started() -> Collection:
    from ingestion.collection import Collection

    collection = Collection(host="127.0.0.1", udp_port=0, tcp_port=0, mqtt_port=0)
    collection.start()
    return collection


def _collecting() -> Collection:
    from ingestion.models import Transport

    collection = _started()
    _wait(lambda: collection.broker and collection.broker.subscribed == 10)
    _wait(lambda: collection.port(Transport.MQTT))
    return collection


def _wait(condition: Any, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise RuntimeError("it did not come")
        time.sleep(0.001)
    return found


def _publish(messages: list[bytes]) -> None:
    """Put all of them into the broker, each acknowledged by it."""
    from django.conf import settings

    from config.embedded.mqtt_login import connect_packet
    from ingestion.transports.mqtt_session import BrokerAddress

    address = BrokerAddress.parse(settings.MQTT_URL)
    with socket.create_connection((address.host, address.port)) as sender:
        sender.sendall(connect_packet("bench-sender", address.user, address.password))
        sender.recv(4)
        sent = acknowledged = 0
        while acknowledged < 4 * len(messages):
            ahead = messages[sent : acknowledged // 4 + _WINDOW]
            sender.sendall(b"".join(ahead))
            sent += len(ahead)
            # A PUBACK has four bytes, and nothing else comes.
            acknowledged += len(sender.recv(_READ))


def _endpoint(fleet: Fleet, days: list[int]) -> list[float]:
    """Frames a second of each of three runs: every module sends its days at once."""
    from django.db import connection

    from ingestion.models import Transport

    _allow_files(3 * len(fleet) + 200)
    logins = _logins(fleet)
    parts = [_messages(fleet, number) for number in days]
    connection.close()
    collection = _collecting()
    endpoint = collection.listeners[Transport.MQTT]
    _wait(lambda: endpoint.logins.loaded)
    rates = []
    for run in range(3):
        mine = parts[run::3]
        queues = [[part[place] for part in mine] for place in range(len(fleet))]
        told: Any = multiprocessing.get_context("fork").SimpleQueue()
        sender = multiprocessing.get_context("fork").Process(
            target=_send, args=(endpoint.port, logins, queues, told)
        )
        sender.start()
        rates.append(len(fleet) * len(mine) / told.get())
        sender.join()
    stored = collection.engine.figures.stored
    collection.stop()
    if stored != len(fleet) * len(days):
        raise RuntimeError(f"only {stored} of {len(fleet) * len(days)} frames were stored")
    return rates


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def _logins(fleet: Fleet) -> list[bytes]:
    """The CONNECT of each module, whose login is in the database."""
    from config.embedded.mqtt_login import connect_packet
    from ingestion.codecs.universal_frame import device_label
    from ingestion.models import MqttLogin
    from ingestion.mqtt_passwords import password_make, password_seal
    from meters.models import TelemetryModule

    made, rows = [], []
    known = {row.address: row for row in TelemetryModule.objects.filter(address__startswith="BEN")}
    for device, _ in fleet:
        module, password = known[device_label(device)], password_make()
        sealed = password_seal(password, module_id=module.pk)
        rows.append(MqttLogin(module=module, sealed=sealed))
        made.append(connect_packet(module.address, module.address, password))
    MqttLogin.objects.bulk_create(rows, batch_size=2_000)
    return made


def _send(port: int, logins: list[bytes], queues: list[list[bytes]], told: Any) -> None:
    """Log every module in, then send; so many of each wait for their PUBACK."""
    sockets = {}
    for login, queue in zip(logins, queues, strict=True):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(login)
        sockets[one.fileno()] = (one, iter(queue))
    for one, _ in sockets.values():
        if one.recv(4) != b"\x20\x02\x00\x00":
            raise RuntimeError("a login is refused")
    begin = time.perf_counter()
    left = sum(map(len, queues))
    poll = select.poll()
    for one, messages in sockets.values():
        poll.register(one, select.POLLIN)
        one.sendall(b"".join(_next(messages, _MODULE_WINDOW)))
    while left:
        for descriptor, _event in poll.poll(1_000):
            one, messages = sockets[descriptor]
            count = len(one.recv(_READ)) // 4
            left -= count
            one.sendall(b"".join(_next(messages, count)))
    told.put(time.perf_counter() - begin)


def _next(messages: Iterator[bytes], count: int) -> Iterator[bytes]:
    for _, message in zip(range(count), messages, strict=False):
        yield message


if __name__ == "__main__":
    sys.exit(main())
