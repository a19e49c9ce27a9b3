"""`manage.py decode`: what a frame says, by itself or by a device type."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

_AXIOMA = (
    "01aeac986a003217000000000000000000008003800054000e4005100048000240020000200000000000000000000"
    "000000000"
)


def _told(*arguments: str) -> str:
    out = StringIO()
    call_command("decode", *arguments, stdout=out)
    return out.getvalue()


def test_a_frame_by_a_shipped_type() -> None:
    told = _told("--type", "axioma-qalcosonic-w1", "--port", "100", _AXIOMA)
    assert "log_volume" in told
    assert "5.938" in told
    assert "2026-09-02 23:00:00+00:00" in told
    assert "m3 [0.000, 0.000, 0.000, 0.000, 0.000, 0.014, 0.008" in told


def test_a_file_with_bytes_and_the_zone_of_the_device(tmp_path: Path) -> None:
    path = tmp_path / "frame.json"
    path.write_text('{"Time":"2024-07-01T12:00:00","ENERGY":{"Total":1.5}}')
    told = _told(
        *("--type", "tasmota_energy", "--zone", "Europe/Berlin"),
        *("--topic", "tele/cellar/SENSOR", "--bytes", str(path)),
    )
    assert "topic: cellar" in told or "serial: cellar" in told
    assert "2024-07-01 10:00:00+00:00" in told
    assert "31 2e 35" in told


def test_lines_of_frames_are_recognised_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "frames.txt"
    path.write_text('# two\ne5\n{"a":1}\n')
    told = _told("--lines", str(path))
    assert told.count(" bytes") >= 2
    assert "mbus" in told
    assert "json" in told


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["ffff"], "no known protocol"),
        (["--type", "no-such-type", "00"], "no shipped type"),
        (["--type", "axioma-qalcosonic-w1", "--port", "100", "00"], "no variant"),
        (["--type", "/no/such.yaml", "00"], "No such file"),
        (["--key", "xy", "00"], "hex"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        _told(*arguments)


def test_a_faulty_type_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("type: x\nversoin: 1\n")
    with pytest.raises(CommandError, match="version"):
        _told("--type", str(path), "00")


def test_a_type_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="is no text"):
        _told("--type", str(path), "00")


def test_more_than_can_be_is_not_cut_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ingestion.management.commands.decode._LARGEST_FILE", 4)
    (tmp_path / "long").write_bytes(b"e5e5e5")
    piped = TextIOWrapper(BytesIO(b"e5e5e5"))
    monkeypatch.setattr("sys.stdin", piped)
    for argument in ("-", str(tmp_path / "long")):
        with pytest.raises(CommandError, match="larger"):
            _told(argument)
