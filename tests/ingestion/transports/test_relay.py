"""The way between engines: what it carries, and whom it does not let in."""

from __future__ import annotations

import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.transports.intake import Arrival, Batch, Intake
from ingestion.transports.relay import (
    Answered,
    RelayLink,
    RelayListener,
    address_of,
    pack_frames,
    unpack_frames,
)
from tests.ingestion.fleet import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECRET = bytes(range(32))


class Origin:
    """A transport that frames came from."""

    code = 1

    def acknowledge(self, arrivals: object, answers: object) -> None: ...


@pytest.fixture
def listener() -> Iterator[RelayListener]:
    made = RelayListener(Intake(linger=0.0, limit=2), host="127.0.0.1", secret=_SECRET)
    made.start()
    yield made
    made.close()


class Caller:
    """An engine that hands on."""

    def __init__(self, address: str, secret: bytes = _SECRET) -> None:
        self.answers: list[tuple[Batch, Answered]] = []
        self.back: list[Batch] = []
        self.lost = threading.Event()
        self.link = RelayLink(address, secret, self._answered, self._lost)

    def _answered(self, batch: Batch, answered: Answered) -> None:
        self.answers.append((batch, answered))

    def _lost(self, link: RelayLink, left: list[Batch]) -> None:
        self.back += left
        self.lost.set()


def batch(*payloads: bytes) -> Batch:
    return Batch(Origin(), [Arrival(payload, "10.0.0.7", None) for payload in payloads], 0.0)


@given(st.lists(st.tuples(st.binary(max_size=300), st.text("0123456789abcdef:.", max_size=45))))
def test_frames_arrive_as_they_were_sent(frames: list[tuple[bytes, str]]) -> None:
    message = pack_frames(7, 2, [Arrival(payload, source, None) for payload, source in frames])
    transport, arrivals = unpack_frames(message)
    assert transport == 2
    assert [(one.payload, one.source) for one in arrivals] == frames
    assert [one.token for one in arrivals] == [(7, place) for place in range(len(frames))]


@given(st.lists(st.one_of(st.none(), st.binary(max_size=200)), max_size=20))
def test_answers_arrive_as_they_were_sent(answers: list[bytes | None]) -> None:
    sent = Answered(3, False, list(range(len(answers))), answers)
    assert Answered.unpack(sent.pack()) == sent


@given(st.binary(max_size=80))
def test_what_is_no_message_is_refused(message: bytes) -> None:
    try:
        _, arrivals = unpack_frames(message)
    except Exception as error:
        assert isinstance(error, (ValueError, UnicodeDecodeError)) or "unpack" in str(error)
    else:
        assert sum(len(one.payload) + len(one.source.encode()) for one in arrivals) < len(message)


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:81", ("::1", 81))]
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


def test_handed_on_and_answered_in_parts(listener: RelayListener) -> None:
    caller = Caller(listener.address)
    sent = batch(b"one", b"two", b"three")
    assert caller.link.send(sent, 1)
    found = wait_for(lambda: listener.intake.take(timeout=0.1))
    # More than the intake's limit: what is handed on is held by who handed it on.
    assert [one.payload for one in found.arrivals] == [b"one", b"two", b"three"]
    assert [one.source for one in found.arrivals] == ["10.0.0.7"] * 3
    assert found.transport.code == 1
    found.transport.acknowledge(found.arrivals[:2], [b"yes", None])
    found.transport.give_back(found.arrivals[2:])
    wait_for(lambda: len(caller.answers) == 2)
    (same, first), (_, second) = caller.answers
    assert same is sent
    assert (first.places, first.answers, first.given_back) == ([0, 1], [b"yes", None], False)
    assert (second.places, second.given_back) == ([2], True)
    caller.link.close()


def test_a_lost_way_gives_back_what_was_not_answered(listener: RelayListener) -> None:
    caller = Caller(listener.address)
    caller.link.send(batch(b"one", b"two"), 1)
    found = wait_for(lambda: listener.intake.take(timeout=0.1))
    found.transport.acknowledge(found.arrivals[:1], [b"yes"])
    wait_for(lambda: caller.answers)
    listener.close()
    assert caller.lost.wait(10)
    assert [one.payload for part in caller.back for one in part.arrivals] == [b"two"]
    assert not caller.link.send(batch(b"three"), 1)


def test_who_lacks_the_secret_is_not_let_in(listener: RelayListener) -> None:
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        Caller(listener.address, secret=bytes(32))
    raw = Client(address_of(listener.address))
    raw.recv_bytes()
    raw.send_bytes(pack_frames(1, 1, batch(b"forged").arrivals))
    with pytest.raises((EOFError, OSError)):
        raw.recv_bytes()
    assert listener.received == 0
    assert listener.intake.take(timeout=0.05) is None


def test_a_server_that_lacks_the_secret_gets_nothing() -> None:
    false = RelayListener(Intake(), host="127.0.0.1", secret=bytes(32))
    false.start()
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        Caller(false.address)
    false.close()
