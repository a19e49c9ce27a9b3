"""Archives, published files, and spoilt ones."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.nem import archive, decode_nem, looks_like_nem

from .writing import READS, day, interval_file, packed, read_file, stream

_SHARED = Path(__file__).parents[5] / "shared" / "data" / "nem12" / "examples"
_FILE = interval_file(
    stream(),
    day("20240301", range(48), "V,,,20240302001500,"),
    "400,1,20,F14,76,Broken",
    "400,21,48,A,,",
    "500,N,SO1,20240302001500,12.5",
    stream("B1", uom="Wh", minutes=15),
    day("20240301", [".5"] * 96),
    day("20240302", ["1.25"] * 96, "E52,,,,"),
)
_READS = read_file(READS, "550,N,,S,SO12")
_EDGES = (b"", b",", b"\r\n", b"300", b"V", b"-", b"9" * 40, b"\xff", b"400,1,48,A", b"\x00")


def test_an_archive_of_one_file_is_that_file() -> None:
    plain = decode_nem(_FILE)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert decode_nem(packed(_FILE, method=method)) == plain


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (packed(), "does not begin with a header"),
        (packed(_FILE, _READS), "holds 2 files, and must hold one"),
        (packed(_FILE, method=zipfile.ZIP_BZIP2), "another way than deflate"),
        (packed(_FILE)[:-30], "can't be read"),
        (packed(packed(_FILE)), "does not begin with a header"),
    ],
)
def test_other_archives_are_refused(octets: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode_nem(octets)


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    bomb = packed(b"1," * archive.MAX_SIZE)
    assert len(bomb) < 100_000
    with pytest.raises(DecodeError, match="longer than"):
        decode_nem(bomb)


def test_such_files_are_known_by_their_first_bytes() -> None:
    assert all(map(looks_like_nem, (_FILE, _READS, packed(_FILE), b"\r\n" + _FILE[34:])))
    assert not any(map(looks_like_nem, (b"", b"/ABC5", b"{", b"1000")))


def _spoilt(octets: bytes, seed: int) -> bytes:
    moment = random.Random(seed)
    spoilt = bytearray(octets)
    for _ in range(moment.randint(1, 4)):
        at, length = moment.randrange(len(spoilt) or 1), moment.randint(0, 8)
        spoilt[at : at + length] = moment.choice(_EDGES)
    return bytes(spoilt)


@settings(max_examples=300, deadline=None)
@given(st.integers(), st.sampled_from([_FILE, _READS, packed(_FILE), packed(_READS)]))
def test_spoilt_files_are_read_or_refused(seed: int, octets: bytes) -> None:
    try:
        telegram = decode_nem(_spoilt(octets, seed))
    except DecodeError as error:
        assert error.reason
        assert error.offset >= 0
    else:
        assert all(0 <= item.start <= item.end <= len(telegram.octets) for item in telegram.items)


@pytest.mark.parametrize("folder", ["unzipped", "nem12", "nem13"])
def test_published_files_are_read(folder: str) -> None:
    """All but one, whose lines are broken inside a record."""
    if not _SHARED.is_dir():
        pytest.skip("the published files are not beside the project")
    refused = []
    for path in sorted((_SHARED / folder).iterdir()):
        try:
            assert decode_nem(path.read_bytes()).items
        except DecodeError:
            refused.append(path.name)
    broken = ["NEM12#Scenario10#ETSAMDP#NEMMCO.zip"] if folder == "nem12" else []
    assert refused == broken


def test_published_files_with_faults_are_refused() -> None:
    if not _SHARED.is_dir():
        pytest.skip("the published files are not beside the project")
    for path in (_SHARED / "invalid").iterdir():
        with pytest.raises(DecodeError):
            decode_nem(path.read_bytes())
