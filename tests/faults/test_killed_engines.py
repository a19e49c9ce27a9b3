"""D1 with several engines: one of two that share the devices is killed, in turn, under load."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.checker import check_senders
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from tests.faults.site import Stage

TRANSPORTS = ("udp", "tcp")


@pytest.mark.parametrize(
    ("kills", "rate"),
    [
        pytest.param(2, 800, id="short"),
        pytest.param(20, 2_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_nothing_acknowledged_is_lost_when_one_of_two_engines_is_killed(
    stage: Stage, counts: Any, kills: int, rate: int
) -> None:
    load, moment = stage.load(), random.Random(kills)
    first = stage.listener(INGEST_SHARES="2")
    second = stage.listener(ports=(first.udp, first.tcp), INGEST_SHARES="2")
    both = [first, second]
    wait_for(lambda: all(len(one.ask()["shares"]) == 1 for one in both), "a share each")
    senders = [
        stage.sender(load, first, name, part=part, of=len(TRANSPORTS), rate=rate)
        for part, name in enumerate(TRANSPORTS)
    ]
    for number in range(kills):
        for sender in senders:
            sender.wait_acknowledged(moment.randrange(1, 500))
        killed, left = both if number % 2 else both[::-1]
        killed.kill()
        wait_for(lambda left=left: len(left.ask()["shares"]) == 2, "all shares in one hand")
        for sender in senders:
            sender.wait_acknowledged(100)
        killed.start()
        wait_for(lambda: all(len(one.ask()["shares"]) == 1 for one in both), "a share each again")
    for sender in senders:
        sender.wait_acknowledged(100)
    handed_on = sum(one.ask()["handed_on"] for one in both)
    assert handed_on, "the test means frames that arrive at the wrong engine, too"
    for sender in senders:
        sender.finish()
    for one in both:
        one.finish()
    counts(kills=kills, handed_on=handed_on, **check_senders(stage, load, senders))
