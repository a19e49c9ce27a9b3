"""Messages come back as they were sent; what can't be sent is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs import universal_messages as m
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal import check_key_use, decode, decode_placed, encode
from ingestion.codecs.universal_frame import Direction, Key

from .messages import DOWN, OF, UP

NOON = 1_767_268_800


@pytest.mark.parametrize("direction", Direction)
def test_every_message_comes_back(direction: Direction) -> None:
    @settings(max_examples=400, deadline=None)
    @given(OF[direction])
    def check(message: m.Message) -> None:
        assert decode(encode([message], direction), direction) == (message,)

    check()


@settings(max_examples=100, deadline=None)
@given(st.lists(UP, min_size=2, max_size=4))
def test_messages_back_to_back(messages: list[m.Message]) -> None:
    alone = [encode([message]) for message in messages]
    if sum(map(len, alone)) > 1175:
        with pytest.raises(ValueError, match="a frame holds 1175"):
            encode(messages)
        return
    placed = decode_placed(encode(messages))
    assert [message for _, message in placed] == messages
    assert [offset for offset, _ in placed] == [
        sum(map(len, alone[:place])) for place in range(len(alone))
    ]


def profile(**changes: object) -> m.IntervalProfile:
    given_: dict[str, object] = {
        "port": 0,
        "register": 0,
        "base_time": NOON,
        "interval": 60,
        "values": (1, 2, 3),
        "opening": 10,
    }
    return m.IntervalProfile(**{**given_, **changes})  # type: ignore[arg-type]


REFUSED: list[m.Message] = [
    profile(base_time=0),
    profile(base_time=NOON + 1),
    profile(base_time=2**32),
    profile(interval=0),
    profile(interval=1441),
    profile(interval=5000),
    profile(values=()),
    profile(values=(0,) * 256),
    profile(values=(2**31,)),
    profile(values=(-(2**30) - 1,)),
    profile(opening=10**12),
    profile(opening=-1),
    profile(quality=128),
    profile(quality=256),
    profile(port=65536),
    profile(register=256),
    profile(request=65536),
    m.RegisterSnapshot(NOON, ()),
    m.RegisterSnapshot(NOON, (m.RegisterValue(0, 0, 2**63),)),
    m.RegisterSnapshot(NOON, (m.RegisterValue(0, 0, 1),), 128),
    m.Events(()),
    m.Events((m.Event(NOON, 0, 65536),)),
    m.Hello(NOON, 0, (1, 2, 3), claim_nonce=b"seven b"),
    m.Hello(NOON, 0, (1, 2, 256)),
    m.CommandResult(1, 0, NOON, bytes(256)),
    m.Status(NOON, battery_percent=101),
    m.Status(NOON, signal=128),
    m.Extension(1, bytes(256)),
    m.Acknowledgement(1, NOON),
]


@pytest.mark.parametrize("message", REFUSED, ids=repr)
def test_what_does_not_fit_is_not_sent(message: m.Message) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode([message])


@pytest.mark.parametrize(
    "message",
    [
        m.Acknowledgement(0, NOON),
        m.Acknowledgement(2**31, NOON),
        m.Acknowledgement(1, NOON, flags=16),
        m.Command(1, 256, NOON),
        m.ArchiveRequest(1, 0, 0, NOON, NOON),
        m.Configuration(1, 60, 1440, 1440, 0, 10, 5),
        m.Configuration(1, 60, 1440, 0, 0, 10, 0),
        m.NewKey(Key.A, bytes(16)),
        m.NewKey(Key.A, bytes([1]) * 15),
        m.NewKey(Key.CLAIM, bytes([1]) * 16),
        m.Status(NOON),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_not_sent_down(message: m.Message) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode([message], Direction.DOWN)


def test_day_of_hourly_water_takes_35_bytes() -> None:
    values = (3, 0, 0, 0, 0, 12, 71, 45, 20, 8, 0, 5, 14, 9, 3, 0, 6, 24, 66, 90, 31, 28, 11, 4)
    assert len(encode([profile(values=values, opening=123_456_789)])) == 60 - 13 - 12


def test_width_is_the_largest_increment_s() -> None:
    sizes = [len(encode([profile(values=(0,) * 7 + (2**bits - 1,))])) for bits in range(32)]
    assert sizes == [14 + bits for bits in range(32)]


CLAIM_HELLO = m.Hello(NOON, 0, (1, 0, 0), claim_nonce=bytes(8))
CLAIM_KEY = m.NewKey(Key.A, bytes([7]) * 16, bytes(8))
FORBIDDEN_BY_KEY: list[tuple[Key, m.Message]] = [
    (Key.A, CLAIM_HELLO),
    (Key.B, CLAIM_KEY),
    (Key.CLAIM, m.Hello(NOON, 0, (1, 0, 0))),
    (Key.CLAIM, m.Status(NOON)),
    (Key.CLAIM, profile()),
    (Key.CLAIM, m.NewKey(Key.A, bytes([7]) * 16)),
    (Key.CLAIM, m.Command(1, 2, NOON)),
    (Key.A, m.NewKey(Key.A, bytes([7]) * 16)),
]
ALLOWED_BY_KEY: list[tuple[Key, m.Message]] = [
    (Key.CLAIM, CLAIM_HELLO),
    (Key.CLAIM, CLAIM_KEY),
    (Key.CLAIM, m.Acknowledgement(1, NOON)),
    (Key.A, m.NewKey(Key.B, bytes([7]) * 16)),
    (Key.B, m.NewKey(Key.A, bytes([7]) * 16)),
    (Key.B, profile()),
    (Key.A, m.Hello(NOON, 0, (1, 0, 0))),
]


@pytest.mark.parametrize(("key", "message"), FORBIDDEN_BY_KEY)
def test_key_that_must_not_seal_a_message(key: Key, message: m.Message) -> None:
    with pytest.raises(DecodeError) as caught:
        check_key_use(key, [(0, m.Extension(1, b"")), (3, message)][key is Key.CLAIM :])
    assert caught.value.offset == 3


@pytest.mark.parametrize(("key", "message"), ALLOWED_BY_KEY)
def test_key_that_may_seal_a_message(key: Key, message: m.Message) -> None:
    check_key_use(key, [(0, message)])


@settings(max_examples=100, deadline=None)
@given(DOWN)
def test_error_names_place_and_reason(message: m.Message) -> None:
    plain = encode([message], Direction.DOWN)
    with pytest.raises(DecodeError) as caught:
        decode(plain[:-1], Direction.DOWN)
    assert 0 <= caught.value.offset < len(plain)
    assert str(caught.value) == f"byte {caught.value.offset}: {caught.value.reason}"
