"""From the box to the first reading, and rotation: keys over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from config.lib.crypto import CryptoError
from ingestion.codecs.claim import secret_text
from ingestion.codecs.universal_frame import Key
from ingestion.codecs.universal_messages import Acknowledgement, Hello, NewKey
from ingestion.errors import IngestionError
from ingestion.keys import check_value, key_open, key_seal
from ingestion.models import Claim, ModuleKey
from ingestion.services.keys import claim_enter, module_key_issue, module_key_rotate
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Send

SECRET = bytes(range(16, 32))
HELLO = Hello(0, 12, (1, 4, 2), claim_nonce=b"12345678")


def test_a_claimed_module_works_out_of_the_box(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1, key=False)
    running = collect()
    sender = send(running)
    one.key, one.selector = SECRET, Key.CLAIM
    claim_enter(actor=None, module=one.row, secret=secret_text(one.device, SECRET))
    fleet.wait_for(lambda: bool(running.engine.known.devices.flags[0] & 16))
    told = [one.answer(sender.ask(one.frame(HELLO))) for _ in range(2)]
    acknowledged, new = told[0]
    assert isinstance(acknowledged, Acknowledgement) and isinstance(new, NewKey)
    assert (acknowledged.counter, new.selector, new.claim_nonce) == (1, Key.A, b"12345678")
    assert told[1][1] == new, "a claim that comes again is given the same key"
    claimed = one.frame(HELLO)
    one.key, one.selector, one.counter = new.key, Key.A, 0
    fleet.wait_for(lambda: bool(running.engine.known.devices.flags[0] & 4))
    answer = sender.ask(one.frame(fleet.profile([1] * 24)))
    assert fleet.acknowledged(one, answer) == 1
    fleet.wait_for(lambda: Claim.objects.get().spent_at)
    assert ModuleKey.objects.get().state == ModuleKey.State.ACTIVE
    fleet.wait_for(lambda: not running.engine.known.devices.flags[0] & 16)
    sender.socket.send(claimed)
    fleet.wait_for(lambda: running.engine.figures.refused["no_key"] == 1)
    with pytest.raises(IngestionError, match="spent"):
        claim_enter(actor=None, module=one.row, secret=secret_text(one.device, SECRET))


def test_a_claim_that_comes_again_byte_for_byte_is_given_the_same_key_for_a_day(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1, key=False)
    running = collect()
    sender = send(running)
    one.key, one.selector = SECRET, Key.CLAIM
    claim_enter(actor=None, module=one.row, secret=secret_text(one.device, SECRET))
    fleet.wait_for(lambda: bool(running.engine.known.devices.flags[0] & 16))
    claim = one.frame(HELLO)
    told = [one.answer(sender.ask(claim)) for _ in range(3)]
    assert isinstance(told[0][1], NewKey) and told[0][1].claim_nonce == b"12345678"
    assert [answer[1:] for answer in told] == [told[0][1:]] * 3
    assert ModuleKey.objects.count() == 1
    # A worker that was killed between the commit and the answer: the key was never made.
    ModuleKey.objects.all().delete()
    other = one.answer(sender.ask(claim))[1]
    assert isinstance(other, NewKey) and other.key != told[0][1].key
    # Whoever plays a recorded claim a day later learns that it was heard, and nothing else.
    yesterday = datetime.now(UTC) - timedelta(days=1, seconds=1)
    Claim.objects.update(created_at=yesterday)
    ModuleKey.objects.update(valid_from=yesterday)
    assert len(one.answer(sender.ask(claim))) == 1
    assert one.answer(sender.ask(one.frame(HELLO)))[1] == other, "a new hello is answered"
    assert fleet.rows("SELECT count(*) FROM ingestion_raw_frame") == [(2,)]


def test_a_key_is_rotated_and_the_old_one_ends_with_the_first_frame_under_the_new(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    module_key_rotate(actor=None, module=one.row)
    fleet.wait_for(lambda: bool(running.engine.known.devices.flags[0] & 64))
    start = fleet.day_start()
    told = [
        one.answer(sender.ask(one.frame(fleet.profile([n], start=start + n * 3600))))[1]
        for n in range(2)
    ]
    assert told[0] == told[1] and isinstance(told[0], NewKey) and told[0].selector is Key.B
    old = one.frame(fleet.profile([9], start=start + 9 * 3600))
    one.key, one.selector, one.counter = told[0].key, Key.B, 0
    assert fleet.acknowledged(one, sender.ask(one.frame(Hello(1, 1, (1, 0, 0))))) == 1
    fleet.wait_for(lambda: not running.engine.known.devices.flags[0] & 4)
    sender.socket.send(old)
    fleet.wait_for(lambda: running.engine.figures.refused["no_key"] == 1)
    states = dict(ModuleKey.objects.values_list("selector", "state"))
    assert states == {0: ModuleKey.State.RETIRED, 1: ModuleKey.State.ACTIVE}


@pytest.mark.django_db
def test_a_mistyped_secret_and_a_foreign_label_are_refused() -> None:
    one = fleet.module(fleet.company(), 1, key=False)
    good = secret_text(one.device, SECRET)
    with pytest.raises(IngestionError, match="mistyped"):
        claim_enter(
            actor=None, module=one.row, secret=good[:-1] + ("0" if good[-1] != "0" else "1")
        )
    other = secret_text(b"RDO\0\0\0\0\x09", SECRET)
    with pytest.raises(IngestionError, match="another module"):
        claim_enter(actor=None, module=one.row, secret=other)


@pytest.mark.django_db
def test_keys_lie_encrypted_and_bound_to_their_module() -> None:
    one = fleet.module(fleet.company(), 1)
    row = ModuleKey.objects.get()
    assert one.key not in bytes(row.sealed)
    assert key_open(bytes(row.sealed), module_id=one.row.pk, selector=0) == one.key
    for module, selector in ((one.row.pk + 1, 0), (one.row.pk, 1)):
        with pytest.raises(CryptoError):
            key_open(bytes(row.sealed), module_id=module, selector=selector)
    # FIPS 197: AES-128 of a block of zeros under a key of zeros begins 66E94BD4.
    assert check_value(bytes(16)) == "66E94B"


@pytest.mark.django_db
def test_a_new_key_retires_the_one_before() -> None:
    one = fleet.module(fleet.company(), 1)
    again = module_key_issue(actor=None, module=one.row)
    assert again.key != one.key
    states = list(ModuleKey.objects.order_by("pk").values_list("state", flat=True))
    assert states == [ModuleKey.State.RETIRED, ModuleKey.State.ACTIVE]
    with pytest.raises(IngestionError, match="16 bytes"):
        module_key_issue(actor=None, module=one.row, key=bytes(16))
    assert len(key_seal(one.key, module_id=1, selector=0)) == len(again.row.sealed)
