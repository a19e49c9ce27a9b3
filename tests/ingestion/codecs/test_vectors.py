"""docs/protocol-vectors.json: read from the file as a module maker would, checked one by one."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.claim import read_secret
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.replay import Window, accept
from ingestion.codecs.sealing import open_frame, seal
from ingestion.codecs.universal import check_key_use, decode_placed
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Direction, Header, Key, pack_header, read_header
from ingestion.codecs.universal_rows import decode_one_by_one

from .document_parts import EXAMPLES
from .make_vectors import PROTOCOL_FILE, VECTORS_FILE, described, documents
from .messages import assert_equal
from .vectors_good import GOOD

FILE = json.loads(VECTORS_FILE.read_text(encoding="utf-8"))
KEYS = {Key[name.upper()]: bytes.fromhex(value) for name, value in FILE["keys"].items()}


def judged(frame: bytes) -> Any:
    """Messages of a frame, or (stage, offset, reason): the whole way of a receiver."""
    stage = "header"
    try:
        header = read_header(frame)
        stage = "open"
        plaintext = open_frame(AESGCM(KEYS[header.key]), frame)
        stage = "messages"
        placed = decode_placed(plaintext, header.direction)
        stage = "key use"
        check_key_use(header.key, placed)
    except DecodeError as error:
        return {"stage": stage, "offset": error.offset, "reason": error.reason}
    return [described(message) for _, message in placed]


@pytest.mark.parametrize("row", FILE["good"], ids=lambda row: row["name"])
def test_good_vector(row: Any) -> None:
    frame = bytes.fromhex(row["frame"])
    assert judged(frame) == row["messages"]
    header = Header(
        Direction[row["direction"].upper()],
        Key[row["key"].upper()],
        bytes.fromhex(FILE["device"]["id"]),
        row["counter"],
    )
    assert read_header(frame) == header
    assert frame[:13] == pack_header(header)
    assert seal(AESGCM(KEYS[header.key]), header, bytes.fromhex(row["plaintext"])) == frame


@pytest.mark.parametrize("row", FILE["bad"], ids=lambda row: row["name"])
def test_bad_vector(row: Any) -> None:
    assert judged(bytes.fromhex(row["frame"])) == row["error"]


@pytest.mark.parametrize("row", FILE["replay"], ids=lambda row: row["name"])
def test_replay_vector(row: Any) -> None:
    window, verdicts = Window(), []
    for counter in row["counters"]:
        verdict, window = accept(window, counter)
        verdicts.append(verdict)
    assert verdicts == row["verdicts"]


def test_claim_secret() -> None:
    device = bytes.fromhex(FILE["device"]["id"])
    assert read_secret(device, FILE["claim_secret"]) == KEYS[Key.CLAIM]


def test_hand_written_messages_are_what_the_bytes_say() -> None:
    """The file's messages come from decoding; here they meet what was meant."""
    for row, vector in zip(GOOD, FILE["good"], strict=True):
        assert [described(message) for message in row.messages] == vector["messages"], row.name


def test_fast_path_agrees_on_all_plaintexts() -> None:
    rows = [row for row in FILE["good"] + FILE["bad"] if "plaintext" in row]
    batch = [bytes.fromhex(row["plaintext"]) for row in rows]
    assert_equal(decode_batch(batch), decode_one_by_one(batch))
    for plain in batch:
        assert_equal(decode_batch([plain]), decode_one_by_one([plain]))


def test_enough_vectors_of_every_sort() -> None:
    assert len(FILE["good"]) >= 60
    assert len(FILE["bad"]) >= 60
    assert {row["error"]["stage"] for row in FILE["bad"]} == {
        "header",
        "open",
        "messages",
        "key use",
    }
    kinds = Counter(message["kind"] for row in FILE["good"] for message in row["messages"])
    assert len(kinds) == 12
    names = [row["name"] for row in FILE["good"] + FILE["bad"]]
    assert len(set(names)) == len(names)


def test_day_of_hourly_water_takes_60_bytes() -> None:
    assert len(bytes.fromhex(FILE["good"][0]["frame"])) == 60


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_file_is_what_the_code_makes(path: Any) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path]


@pytest.mark.parametrize("marker", EXAMPLES)
def test_example_of_the_document_decodes_as_stated(marker: str) -> None:
    """The bytes as printed, put together by hand: frame, then plaintext."""
    text = PROTOCOL_FILE.read_text(encoding="utf-8")
    part = text.partition(f"<!-- begin {marker} -->")[2].partition(f"<!-- end {marker} -->")[0]
    tables = part.split("| bytes of the plaintext | meaning |")
    frame, plaintext = (
        bytes.fromhex("".join(re.findall(r"^\| `([0-9a-f ]+)` \|", table, re.M)))
        for table in tables
    )
    row = next(row for row in FILE["good"] if row["name"] == EXAMPLES[marker][0])
    assert judged(frame) == row["messages"]
    assert open_frame(AESGCM(KEYS[read_header(frame).key]), frame) == plaintext
    assert f"; {len(frame)} bytes in all" in tables[0]
