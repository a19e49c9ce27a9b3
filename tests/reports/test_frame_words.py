"""Every piece that the protocol's own examples hold has words for people."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from ingestion.codecs.universal_explain import explain
from reports.panel.frame_words import PIECES, SECTIONS, sections_shown
from tests.ingestion.codecs.make_vectors import VECTORS_FILE

VECTORS = json.loads(VECTORS_FILE.read_text(encoding="utf-8"))["good"]
UP = [row for row in VECTORS if row["direction"] == "up"]
KYIV = ZoneInfo("Europe/Kyiv")


@pytest.mark.parametrize("row", UP, ids=lambda row: row["name"])
def test_every_vector_can_be_shown(row: dict[str, str]) -> None:
    frame, plaintext = bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"])
    opened = frame[:13] + plaintext + frame[-12:]
    with override("en"):
        shown = sections_shown(frame, opened, explain(frame, plaintext), KYIV, None)
    cells = [cell for section in shown for cell in section.cells]
    assert "".join(text for _, text, _, _ in cells) == opened.hex()
    assert "".join(sent for _, _, sent, _ in cells) == frame.hex()
    assert all(part.label and part.meaning for section in shown for part in section.parts)


def test_increments_carry_their_local_time_and_the_one_looked_for() -> None:
    row = UP[0]
    frame, plaintext = bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"])
    base = row["messages"][0]["base_time"]  # type: ignore[index]
    with override("en"):
        shown = sections_shown(frame, frame, explain(frame, plaintext), KYIV, base + 2 * 3600)
    values = shown[1].values
    assert values[0] == ("2026-01-01 02:00:00 EET", "0", False)
    assert values[2] == ("2026-01-01 04:00:00 EET", "6", True)
    assert [wanted for _, _, wanted in values].count(True) == 1


def test_words_name_no_piece_twice_and_miss_none() -> None:
    seen = set()
    for row in UP:
        for section in explain(bytes.fromhex(row["frame"]), bytes.fromhex(row["plaintext"])):
            assert section.kind in SECTIONS
            for part in section.parts:
                seen |= {part.name, *(bit.name for bit in part.bits)}
    assert seen - set(PIECES) == set()
    assert len(seen) > 40
