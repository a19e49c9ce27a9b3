"""D6: no room left on the server's disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.faults.checker import check_senders
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from tests.faults.server import Server
    from tests.faults.site import Stage

WAITING = "waiting for the database"
_SEGMENT = 16 * 1024 * 1024
# Frames of a thousand bytes, seventeen megabytes of them: the log's own files stay below the limit.
_FILL = """
INSERT INTO ingestion_raw_frame (id, received_at, transport, outcome, source, reason, payload)
SELECT -n, now(), 1, 0, '', '', decode(repeat(md5(n::text), 31), 'hex') || decode(
    repeat(md5((n * 7)::text), 31), 'hex') FROM generate_series(1, 17000) n
"""
_LARGEST = """
SELECT max(pg_relation_size(i.inhrelid)) FROM pg_inherits i
WHERE i.inhparent = 'ingestion_raw_frame'::regclass
"""


def test_a_full_disk_is_waited_out(own_stage: Stage, server: Server, counts: Any) -> None:
    """The quota is one on the size of files, set on every process of the server."""
    load = own_stage.load()
    own_stage.query(_FILL)
    [(size,)] = own_stage.query(_LARGEST)
    assert size > _SEGMENT
    listener = own_stage.listener()
    senders = [
        own_stage.sender(load, listener, name, part=part, of=2, rate=1_000)
        for part, name in enumerate(("udp", "tcp"))
    ]
    for sender in senders:
        sender.wait_acknowledged(300)
    [(size,)] = own_stage.query(_LARGEST)
    server.limit_files(size + 8_192)
    began = time.monotonic()
    wait_for(lambda: listener.ask()["state"] == WAITING, "an engine that has no room")
    told_after = round((time.monotonic() - began) * 1_000)
    acknowledged = [one.acknowledged for one in senders]
    repeated = senders[0].repeated
    wait_for(lambda: senders[0].repeated > repeated + 200, "frames sent in vain")
    assert [one.acknowledged for one in senders] == acknowledged, "acknowledged without storage"
    server.limit_files(-1)
    for sender in senders:
        sender.wait_acknowledged(100)
        sender.finish()
    listener.finish()
    counts(told_after_ms=told_after, **check_senders(own_stage, load, senders))
