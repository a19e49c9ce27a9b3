"""The published pushes, all of them; and that the comparison notices a difference."""

from __future__ import annotations

import copy

from ingestion.vectors import cosem

from .parts import published

_HAN, _UDP = "dlms_han_amshan.json", "dlms_udp_push.json"


def test_published_pushes_are_equal() -> None:
    for name, count in ((_HAN, 19), (_UDP, 14)):
        outcomes = list(cosem.compare(published(name)))
        assert [outcome for outcome in outcomes if outcome.verdict != "equal"] == []
        assert len(outcomes) >= count


def test_gap_of_the_datagrams_is_found() -> None:
    *_, gap = cosem.compare(published(_UDP))
    assert (gap.name, gap.detail) == ("gap of invocation counters", "missing [493]")


def test_comparison_notices_each_changed_field() -> None:
    """Every published number is changed in turn; each must be missed."""
    vector = published(_HAN)["cosem_push"][2]
    for name, value in vector["expected"].items():
        changed = copy.deepcopy(vector)
        changed["expected"][name] = value + 1 if isinstance(value, int | float) else f"{value}"[:-1]
        if name == "meter_datetime":
            changed["expected"][name] = "2020-01-21T16:00:01+00:00"
        (outcome,) = cosem.compare({"cosem_push": [changed]})
        assert outcome.verdict == "different" and name in outcome.detail


def test_comparison_notices_streams_and_refusals() -> None:
    file = published(_HAN)
    stream = copy.deepcopy(file["hdlc_streams"][1])
    stream["frames"][0]["is_good_ffc"] = False
    (outcome,) = cosem.compare({"hdlc_streams": [stream]})
    assert outcome.verdict == "different"
    push = {**file["cosem_push"][0], "payload_hex": "0101"}
    (outcome,) = cosem.compare({"cosem_push": [push]})
    assert outcome.verdict == "refused"
