"""UDP and TCP over real sockets, with an engine that echoes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from ingestion.transports.intake import Intake
from ingestion.transports.tcp import TcpLimits, TcpListener
from ingestion.transports.udp import UdpListener


@contextlib.contextmanager
def echoing(intake: Intake) -> Iterator[None]:
    """Answers every frame with itself, once it is "stored"."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            batch = intake.take(timeout=0.05)
            if batch is not None:
                answers = [arrival.payload for arrival in batch.arrivals]
                batch.transport.acknowledge(batch.arrivals, answers)
                intake.done(batch)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def intake() -> Iterator[Intake]:
    made = Intake(linger=0.001)
    with echoing(made):
        yield made
    made.close()


def tcp(intake: Intake, **limits: float) -> TcpListener:
    listener = TcpListener(intake, host="127.0.0.1", port=0, limits=TcpLimits(**limits))
    listener.start()
    return listener


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(2, "big") + payload


def read(client: socket.socket, count: int) -> bytes:
    client.settimeout(10)
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        if not part:
            break
        data += part
    return data


def closed_by_peer(client: socket.socket) -> bool:
    client.settimeout(10)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_datagrams_are_answered_where_they_came_from(intake: Intake) -> None:
    listener = UdpListener(intake, host="127.0.0.1", port=0)
    listener.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        for number in range(50):
            client.sendto(b"frame %d" % number, ("127.0.0.1", listener.port))
        assert {client.recv(100) for _ in range(50)} == {b"frame %d" % n for n in range(50)}
    assert listener.received == 50
    assert listener.note_drops() == 0
    listener.stop()
    listener.close()


def test_two_listeners_share_one_port(intake: Intake) -> None:
    first = UdpListener(intake, host="127.0.0.1", port=0)
    second = UdpListener(intake, host="127.0.0.1", port=first.port)
    assert second.port == first.port
    first.close()
    second.close()


def test_frames_are_cut_however_they_arrive(intake: Intake) -> None:
    listener = tcp(intake)
    payloads = [b"a", b"b" * 1200, b"c" * 7]
    stream = b"".join(map(framed, payloads))
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        for start in range(0, len(stream), 5):
            client.sendall(stream[start : start + 5])
        assert read(client, len(stream)) == stream
    listener.close()


@pytest.mark.parametrize("length", [0, 1201, 65535])
def test_an_impossible_length_ends_the_connection(intake: Intake, length: int) -> None:
    listener = tcp(intake)
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.sendall(length.to_bytes(2, "big") + b"x" * 10)
        assert closed_by_peer(client)
    assert listener.refused["length"] == 1
    listener.close()


def test_a_client_that_sends_a_byte_now_and_then_is_closed(intake: Intake) -> None:
    listener = tcp(intake, frame_seconds=0.3, idle_seconds=30)
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.sendall(b"\x00")
        assert closed_by_peer(client)
    assert listener.refused["slow"] == 1
    listener.close()


def test_an_idle_connection_is_closed_and_others_go_on(intake: Intake) -> None:
    listener = tcp(intake, idle_seconds=0.3)
    with socket.create_connection(("127.0.0.1", listener.port)) as idle:
        assert closed_by_peer(idle)
    assert listener.refused["idle"] == 1
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.sendall(framed(b"still served"))
        assert read(client, 14) == framed(b"still served")
    listener.close()


def test_one_address_holds_no_more_than_its_share(intake: Intake) -> None:
    listener = tcp(intake, per_source=2)
    clients = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(3)]
    assert closed_by_peer(clients[2])
    clients[0].sendall(framed(b"served"))
    assert read(clients[0], 8) == framed(b"served")
    assert listener.refused["per_source"] == 1
    for client in clients:
        client.close()
    listener.close()


def test_a_flood_on_one_connection_loses_nothing(intake: Intake) -> None:
    listener = tcp(intake, in_flight=4)
    payloads = [b"frame %05d" % number for number in range(5_000)]
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        sender = threading.Thread(target=lambda: client.sendall(b"".join(map(framed, payloads))))
        sender.start()
        assert read(client, 13 * 5_000) == b"".join(map(framed, payloads))
        sender.join()
    assert listener.received == 5_000
    listener.close()


def test_a_taken_port_is_told(intake: Intake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listener = TcpListener(intake, host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            listener.start()
