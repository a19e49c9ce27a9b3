"""Commands that are open, as collection holds them in memory, and as messages of the protocol."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_frame import Direction
from ingestion.codecs.universal_messages import AckFlag, ArchiveRequest, Configuration, Opcode
from ingestion.codecs.universal_messages import Command as CommandMessage
from meters.models import CommandKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.codecs.universal_messages import DownMessage

__all__ = ["WITHOUT_NUMBER", "Order", "orders_read"]

logger = logging.getLogger(__name__)

# What has no request number on the wire: told by the next hello, or by the first use of a new key.
WITHOUT_NUMBER = (CommandKind.SET_CLOCK, CommandKind.CONFIGURE, CommandKind.NEW_KEY)
# A command that was sent is not sent again for so many seconds, doubled with each time.
_LONGEST_PAUSE = 3_600.0
_TAKE_UP = """
UPDATE meters_command SET state = 'queued', queued_at = now(), updated_at = now()
WHERE id = ANY(ARRAY(
    SELECT id FROM meters_command WHERE state = 'approved' AND {where} ORDER BY id FOR UPDATE))
"""
_READ = """
SELECT id, module_id, kind, request, priority, floor(extract(epoch FROM valid_until))::bigint,
    parameters::text, attempts, coalesce(extract(epoch FROM last_sent_at), 0)::float8
FROM meters_command WHERE state IN ('queued', 'sent', 'delivered') AND {where} ORDER BY id
"""


@dataclass(slots=True)
class Order:
    """A command that is not ended. Times in Unix seconds.

    last: when it was sent, or the module was last heard to work on it. text: what follows the
    acknowledgement; nothing where the flags, or a key that is offered, say it all.
    """

    id: int
    module: int
    kind: str
    request: int
    priority: int
    valid_until: int
    parameters: dict[str, int]
    attempts: int = 0
    last: float = 0.0
    text: bytes = b""

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What has left already comes first, so that few are open at a module at once."""
        return (not self.attempts, self.priority, self.id)

    def due(self, now: float, patience: float) -> bool:
        """Whether it may be sent (again) with a new frame of its module."""
        if not self.attempts:
            return True
        pause = min(patience * 2.0 ** min(self.attempts - 1, 20), _LONGEST_PAUSE)
        return now - self.last >= pause

    @property
    def flags(self) -> int:
        """What it adds to the flags of the acknowledgement."""
        return _FLAGS.get(self.kind, 0)


def _plain(opcode: Opcode) -> Callable[[Order], DownMessage]:
    return lambda order: CommandMessage(order.request, opcode, order.valid_until)


def _archive(order: Order) -> DownMessage:
    given = order.parameters
    return ArchiveRequest(
        order.request, given["port"], given["register"], given["start"], given["end"]
    )


_MESSAGES: dict[str, Callable[[Order], DownMessage]] = {
    CommandKind.READ_ARCHIVE: _archive,
    CommandKind.READ_REGISTERS: _plain(Opcode.READ_REGISTERS),
    CommandKind.SEND_STATUS: _plain(Opcode.SEND_STATUS),
    CommandKind.RESTART: _plain(Opcode.RESTART),
    CommandKind.CONFIGURE: lambda order: Configuration(**order.parameters),
}
_FLAGS: dict[str, int] = {
    # The hello tells what the clock shows then, or which configuration is in force.
    CommandKind.SET_CLOCK: AckFlag.SET_CLOCK | AckFlag.SEND_HELLO,
}


def orders_read(modules: Sequence[int] | None = None) -> list[Order]:
    """Open commands of these modules, or all; those that are approved are queued with it."""
    where = "true" if modules is None else "module_id = ANY(%s)"
    chosen: list[Any] = [] if modules is None else [list(modules)]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UP.format(where=where), chosen)
        cursor.execute(_READ.format(where=where), chosen)
        return [order for row in cursor.fetchall() if (order := _order(row)) is not None]


def _order(row: tuple[Any, ...]) -> Order | None:
    """None for one that can't be put into a message: it is never sent, and expires."""
    order = Order(*row)
    order.parameters = json.loads(row[6])
    made = _MESSAGES.get(order.kind)
    try:
        order.text = b"" if made is None else encode([made(order)], Direction.DOWN)
    except (ValueError, TypeError, KeyError) as error:
        logger.error("command %d can't be sent: %s", order.id, error)
        return None
    return order
