"""Two texts side by side: what is beside what, which words changed, what is folded, what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.workbench import comparing
from ingestion.workbench.comparing import Comparison, Row, Side, compared

LINES = "".join(f"line {at}\n" for at in range(1, 31))


def _rows(found: Comparison) -> list[Row]:
    return [row for section in found.sections for row in section.rows]


def _text(side: Side | None) -> str:
    return "" if side is None else "".join(word.text for word in side.words)


def _changed(side: Side | None) -> list[str]:
    return [word.text for word in side.words if word.changed] if side else []


def test_equal_texts_have_nothing_to_show() -> None:
    assert compared(LINES, LINES) == Comparison((), 0)


def test_a_changed_line_stands_beside_the_old_one_with_its_words() -> None:
    found = compared(LINES, LINES.replace("line 10\n", "line ten\nand more\n"))
    [changed, new] = [row for row in _rows(found) if row.kind != "same"]
    assert (changed.kind, new.kind) == ("changed", "new")
    assert changed.before is not None and changed.after is not None
    assert (changed.before.number, changed.after.number) == (10, 10)
    assert (_changed(changed.before), _changed(changed.after)) == (["10"], ["ten"])
    assert new.before is None and _text(new.after) == "and more"
    assert (found.changes, changed.change, new.change) == (1, 1, 0)


def test_a_value_that_changed_stands_beside_the_old_one_of_its_key() -> None:
    found = compared("a: 1\nvendor: Maker\n", "a: 1\nvendor: Acme Metering\n")
    [changed] = [row for row in _rows(found) if row.kind != "same"]
    assert (changed.kind, _changed(changed.before)) == ("changed", ["Maker"])


def test_a_last_line_that_lost_its_end_is_a_change() -> None:
    assert compared("a\nb\n", "a\nb").changes == 1


def test_lines_of_other_words_only_go_and_come() -> None:
    found = compared("a: 1\nvolume: u32\nz: 1\n", "a: 1\ntemperature: float\nz: 1\n")
    assert sorted(row.kind for row in _rows(found) if row.kind != "same") == ["gone", "new"]


def test_lines_are_paired_with_those_they_became() -> None:
    old = "keep\n- {name: volume, type: u32}\n- {name: level, type: u8}\nend\n"
    new = "keep\n- {name: header, kind: x}\n- {name: volume, type: u24}\n- {name: level, type: s8}\nend\n"
    pairs = [
        (_text(row.before)[9:14], _text(row.after)[9:14])
        for row in _rows(compared(old, new))
        if row.kind == "changed"
    ]
    assert ("volum", "volum") in pairs and ("level", "level") in pairs


def test_what_stayed_is_folded_with_three_lines_around_changes() -> None:
    found = compared(LINES, LINES.replace("line 10\n", "line ten\n"))
    assert [(one.folded, len(one.rows)) for one in found.sections] == [
        (True, 6),
        (False, 7),
        (True, 17),
    ]


def test_few_lines_between_changes_are_not_folded() -> None:
    after = LINES.replace("line 10\n", "line ten\n").replace("line 20\n", "line twenty\n")
    found = compared(LINES, after)
    assert found.changes == 2
    assert [one.folded for one in found.sections] == [True, False, True]


@pytest.mark.parametrize("name", ["_MOST_LINES", "_MOST_MATCHES", "_MOST_PAIRED", "_MOST_MARKED"])
def test_beyond_a_limit_all_lines_are_there_all_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(comparing, name, 0)
    after = LINES.replace("line 10\n", "line ten\n").replace("line 20\n", "")
    _check_whole(LINES, after)


def test_hostile_texts_are_matched_within_the_limits() -> None:
    many = "".join(f"{at % 90}\n" for at in range(60_000))
    turned = "".join(f"{-at}\n" for at in range(20_000))
    for before, after in ((many, many[::-1]), (turned, turned[::-1]), ("x" * 200_000, "y")):
        _check_whole(before, after)


@given(
    st.lists(st.sampled_from("ab cd e"), max_size=12),
    st.lists(st.sampled_from("ab cd e"), max_size=12),
)
def test_both_texts_come_back_line_by_line(before: list[str], after: list[str]) -> None:
    _check_whole("\n".join(before), "\n".join(after))


def _check_whole(before: str, after: str) -> None:
    rows = _rows(compared(before, after))
    if before == after:
        assert rows == []
        return
    both_end = before.endswith("\n") and after.endswith("\n")
    old, new = (text[:-1] if both_end else text for text in (before, after))
    assert [_text(row.before) for row in rows if row.before] == old.split("\n")
    assert [_text(row.after) for row in rows if row.after] == new.split("\n")
    numbers = [row.before.number for row in rows if row.before]
    assert numbers == list(range(1, len(numbers) + 1))
