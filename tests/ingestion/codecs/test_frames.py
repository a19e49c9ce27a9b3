"""Headers, seals, replay windows and claim secrets; batches of frames equal single ones."""

from __future__ import annotations

import random

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.claim import read_secret, secret_text
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.replay import WINDOW, Verdict, Window, accept
from ingestion.codecs.sealing import open_frame, seal
from ingestion.codecs.universal import encode
from ingestion.codecs.universal_frame import (
    MAX_COUNTER,
    Direction,
    Header,
    Key,
    device_id,
    device_label,
    pack_header,
    read_header,
)
from ingestion.codecs.universal_frames import (
    Profiles,
    acknowledgements,
    pack_headers,
    profiles,
    read_headers,
)
from ingestion.codecs.universal_messages import AckFlag, Acknowledgement, IntervalProfile

DEVICE = device_id("RDO-0000001234")
SECRET = bytes(range(16))
NOON = 1_767_268_800
HEADERS = st.builds(
    Header,
    st.sampled_from(Direction),
    st.sampled_from(Key),
    st.binary(min_size=5, max_size=5).map(lambda number: b"XYZ" + number),
    st.integers(1, MAX_COUNTER),
)


@settings(deadline=None)
@given(HEADERS, st.binary(min_size=1, max_size=1175))
def test_frame_comes_back(header: Header, plaintext: bytes) -> None:
    aead = AESGCM(SECRET)
    frame = seal(aead, header, plaintext)
    assert read_header(frame) == header
    assert open_frame(aead, frame) == plaintext


@settings(deadline=None, max_examples=50)
@given(HEADERS, st.binary(min_size=1, max_size=100))
def test_seal_is_aes_gcm_with_a_tag_of_12_bytes(header: Header, plaintext: bytes) -> None:
    """Against the library's streaming form, which knows short tags."""
    frame = seal(AESGCM(SECRET), header, plaintext)
    mode = modes.GCM(frame[1:13], frame[-12:], min_tag_length=12)
    decryptor = Cipher(algorithms.AES(SECRET), mode).decryptor()
    decryptor.authenticate_additional_data(frame[:13])
    assert decryptor.update(frame[13:-12]) + decryptor.finalize() == plaintext


def test_every_changed_bit_is_noticed() -> None:
    aead = AESGCM(SECRET)
    frame = seal(aead, Header(Direction.UP, Key.A, DEVICE, 7), b"one to twenty bytes")
    for bit in range(len(frame) * 8):
        changed = bytearray(frame)
        changed[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises(DecodeError):
            open_frame(aead, bytes(changed))


@pytest.mark.parametrize("size", [0, 12, 24])
def test_opening_what_is_too_short(size: int) -> None:
    with pytest.raises(DecodeError):
        open_frame(AESGCM(SECRET), bytes(size))


@pytest.mark.parametrize("plaintext", [b"", bytes(1176)])
def test_frame_of_a_wrong_size_is_not_sealed(plaintext: bytes) -> None:
    with pytest.raises(ValueError, match="a frame of"):
        seal(AESGCM(SECRET), Header(Direction.UP, Key.A, DEVICE, 1), plaintext)


@pytest.mark.parametrize(
    ("device", "counter"), [(DEVICE, 0), (DEVICE, 2**31), (DEVICE[:7], 1), (b"abc45678", 1)]
)
def test_header_that_does_not_fit(device: bytes, counter: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        pack_header(Header(Direction.UP, Key.A, device, counter))


def test_device_label() -> None:
    assert DEVICE == b"RDO\x00\x00\x00\x04\xd2"
    assert device_label(DEVICE) == "RDO-0000001234"
    assert device_id(" rdo-1234 ") == DEVICE


@pytest.mark.parametrize("label", ["", "RDO", "RD-1", "RDO-", "RDO-x", "1DO-1", f"RDO-{2**40}"])
def test_label_of_no_device(label: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        device_id(label)


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), max_size=200))
def test_replay_window_accepts_each_counter_once(counters: list[int]) -> None:
    window, accepted = Window(), set()
    for counter in counters:
        highest = max(accepted, default=0)
        verdict, window = accept(window, counter)
        if counter <= highest - WINDOW:
            assert verdict is Verdict.TOO_OLD
        else:
            assert verdict is (Verdict.DUPLICATE if counter in accepted else Verdict.NEW)
            accepted.add(counter)
        assert window.seen < 1 << WINDOW


def test_claim_secret_comes_back_however_it_is_typed() -> None:
    text = secret_text(DEVICE, SECRET)
    assert len(text) == 34
    typed = text.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_secret(DEVICE, text) == read_secret(DEVICE, typed) == SECRET


def test_mistyped_claim_secret_is_noticed() -> None:
    generator, missed = random.Random(5), 0
    text = secret_text(DEVICE, SECRET).replace("-", "")
    for place in range(28):
        wrong = generator.choice([symbol for symbol in "2345ABC" if symbol != text[place]])
        try:
            read_secret(DEVICE, text[:place] + wrong + text[place + 1 :])
        except DecodeError:
            continue
        missed += 1
    assert missed == 0


@pytest.mark.parametrize(
    ("text", "offset"), [("", 0), ("7U", 1), ("0" * 27, 27), ("0" * 29, 29), ("1234-€", 4)]
)
def test_text_that_is_no_claim_secret(text: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        read_secret(DEVICE, text)
    assert caught.value.offset == offset


def test_secret_of_another_device_is_noticed() -> None:
    with pytest.raises(DecodeError, match="another device"):
        read_secret(device_id("RDO-1235"), secret_text(DEVICE, SECRET))


def test_claim_secret_of_a_wrong_size() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        secret_text(DEVICE, SECRET[:15])


# ---------------------------------------------------------------- batches


@settings(deadline=None, max_examples=200)
@given(st.lists(HEADERS.map(pack_header) | st.binary(max_size=60), max_size=8), st.data())
def test_batch_of_headers_equals_single_ones(heads: list[bytes], data: st.DataObject) -> None:
    frames = [
        head + bytes(data.draw(st.sampled_from([0, 12, 13, 40, 1187, 1188]))) for head in heads
    ]
    columns = read_headers(frames)
    for place, frame in enumerate(frames):
        try:
            header = read_header(frame)
        except DecodeError:
            assert not columns.good[place]
            continue
        assert bool(columns.good[place]) is (header.direction is Direction.UP)
        if columns.good[place]:
            assert int(columns.device[place]).to_bytes(8, "big") == header.device
            assert (columns.counter[place], columns.key[place]) == (header.counter, header.key)


@given(st.lists(HEADERS, max_size=8), st.sampled_from(Direction))
def test_batch_of_packed_headers(headers: list[Header], direction: Direction) -> None:
    headers = [header._replace(direction=direction) for header in headers]
    packed = pack_headers(
        direction,
        np.array([header.key for header in headers], np.uint8),
        np.array([int.from_bytes(header.device, "big") for header in headers], np.uint64),
        np.array([header.counter for header in headers], np.int64),
    )
    assert packed == [pack_header(header) for header in headers]


@pytest.mark.parametrize("counter", [0, 2**31])
def test_batch_refuses_a_counter_out_of_bounds(counter: int) -> None:
    one = np.ones(1, np.uint8)
    with pytest.raises(ValueError, match="frame counter"):
        pack_headers(Direction.DOWN, one, one.astype(np.uint64), np.array([counter], np.int64))


def test_batch_of_acknowledgements() -> None:
    counter = np.array([1, 77, MAX_COUNTER], np.int64)
    pending, flags = np.array([0, 3, 255], np.uint8), np.array([0, 4, 15], np.uint8)
    expected = [
        encode([Acknowledgement(c, NOON, p, AckFlag(f))], Direction.DOWN)
        for c, p, f in zip(counter.tolist(), pending.tolist(), flags.tolist(), strict=True)
    ]
    assert acknowledgements(counter, NOON, pending, flags) == expected


@pytest.mark.parametrize("with_opening", [True, False])
@pytest.mark.parametrize("count", [1, 24, 255])
def test_batch_of_profiles_equals_single_ones(*, count: int, with_opening: bool) -> None:
    generator = np.random.default_rng(count)
    rows = 200
    bits = generator.integers(0, 32, (rows, 1))
    batch = Profiles(
        port=generator.integers(0, 8, rows),
        register=generator.integers(0, 32, rows),
        base_time=generator.integers(1, 2**32 // 60, rows) * 60,
        interval=15,
        opening=generator.integers(0, 10**12, rows) if with_opening else None,
        values=generator.integers(0, 2**31, (rows, count)) >> (31 - bits),
    )
    expected = [
        encode(
            [
                IntervalProfile(
                    int(batch.port[row]),
                    int(batch.register[row]),
                    int(batch.base_time[row]),
                    15,
                    tuple(batch.values[row].tolist()),
                    None if batch.opening is None else int(batch.opening[row]),
                )
            ]
        )
        for row in range(rows)
    ]
    assert profiles(batch) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", 8),
        ("register", 32),
        ("base_time", NOON + 1),
        ("base_time", 0),
        ("opening", 10**12),
        ("values", [[-1]]),
        ("values", [[2**31]]),
    ],
)
def test_batch_refuses_a_profile_that_does_not_fit(field: str, value: object) -> None:
    one = np.array([1])
    good = {"port": one, "register": one, "base_time": one * NOON, "opening": one}
    changed = {**good, "values": one[None], field: np.atleast_1d(np.array(value))}
    with pytest.raises(ValueError, match="not"):
        profiles(Profiles(interval=60, **changed))
