"""What modules say of their commands: stored with the batch that says it, then known in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection

from ingestion.codecs.columns import NONE
from ingestion.codecs.universal_messages import CommandResult, Hello
from meters.models import CommandKind, CommandState, ResultStatus
from meters.models.commands import TRANSITIONS

from .orders import WITHOUT_NUMBER

if TYPE_CHECKING:
    from ingestion.codecs.columns import Batch
    from ingestion.pipeline import Known, Work

    from .orders import Order
    from .sending import Downlink

__all__ = ["BatchResults"]

_State = CommandState
# A clock that a hello shows so many seconds off has not been set; frames come later when repeated.
_CLOCK_SECONDS = 30
# A hello that comes so soon after a schedule was sent a second time, and names another one, is the
# module's refusal (docs/protocol.md); an earlier one may have crossed it on the way.
_REFUSAL_SECONDS = 60
_STATES: dict[int, CommandState] = {
    ResultStatus.DONE: _State.CONFIRMED,
    ResultStatus.IN_PROGRESS: _State.DELIVERED,
    ResultStatus.EXPIRED: _State.EXPIRED,
}
_LEGAL = [f"{start} {end}" for end, starts in TRANSITIONS.items() for start in starts]
# Rows are locked in the order of their keys, so that nobody who moves several waits in a circle.
_STORE = """
WITH told AS (
    SELECT c.id, t.state, t.status, t.detail FROM meters_command c
    JOIN unnest(%(module)s::bigint[], %(number)s::bigint[], %(state)s::text[], %(status)s::int[],
        %(detail)s::text[]) t(module, number, state, status, detail)
        ON c.module_id = t.module AND {match}
    WHERE c.state || ' ' || t.state = ANY(%(legal)s) ORDER BY c.id FOR UPDATE OF c
)
UPDATE meters_command c SET state = t.state, updated_at = now(),
    result_status = coalesce(t.status, c.result_status), result = t.detail,
    delivered_at = coalesce(c.delivered_at, to_timestamp(%(at)s)),
    ended_at = CASE t.state WHEN 'delivered' THEN NULL ELSE to_timestamp(%(at)s) END
FROM told t WHERE c.id = t.id
"""
# Numbers come again after a thousand commands: the last one that has it is meant.
_BY_REQUEST = """c.request = t.number AND c.kind <> ALL(%(without)s) AND NOT EXISTS (
    SELECT 1 FROM meters_command later WHERE later.module_id = c.module_id
    AND later.request = c.request AND later.id > c.id AND later.kind <> ALL(%(without)s))"""
_BY_KEY = "c.id = t.number"


class _Told(NamedTuple):
    """What became of a command; status None: the module did not name one."""

    state: CommandState
    status: int | None = None
    detail: str = ""


@dataclass(slots=True)
class BatchResults:
    """Of a batch, from before it is stored until memory knows. at: of receipt, Unix seconds.

    by_request: (module, request number) → what was told; by_key: (module, command) → the same.
    """

    downlink: Downlink
    at: float
    by_request: dict[tuple[int, int], _Told] = field(default_factory=dict)
    by_key: dict[tuple[int, int], _Told] = field(default_factory=dict)

    @classmethod
    def of(
        cls, messages: Batch, work: Work, known: Known, downlink: Downlink, at: float
    ) -> BatchResults:
        """What the new frames of a batch tell; those that were refused tell nothing."""
        made = cls(downlink, at)
        told = [part for part in messages.intervals if bool((part.request != NONE).any())]
        if not told and not messages.messages:
            return made
        module = np.where(work.reason[work.new] == 0, known.devices.module[work.row[work.new]], -1)
        for part in told:
            chosen = part.request != NONE
            pairs = zip(
                module[part.frame[chosen]].tolist(), part.request[chosen].tolist(), strict=True
            )
            made.by_request |= dict.fromkeys(pairs, _Told(_State.DELIVERED))
        for place, message in messages.messages:
            if isinstance(message, CommandResult):
                made._result(int(module[place]), message)
            elif isinstance(message, Hello):
                made._hello(int(module[place]), message)
        return made

    def _result(self, module: int, message: CommandResult) -> None:
        state = _STATES.get(message.status, _State.FAILED)
        known = message.status in ResultStatus.values
        status = message.status if known else ResultStatus.FAILED
        detail = message.payload.hex(" ") if known else f"status {message.status}"
        before = self.by_request.get((module, message.request))
        if before is None or before.state is _State.DELIVERED:
            self.by_request[module, message.request] = _Told(state, int(status), detail[:600])

    def _hello(self, module: int, message: Hello) -> None:
        for order in self.downlink.of_module(module):
            told = self._seen(order, message)
            if told is not None:
                self.by_key[module, order.id] = told

    def _seen(self, order: Order, message: Hello) -> _Told | None:
        """What a hello tells of a command that has no number on the wire.

        Nothing of one that has not left: that the clock is right by chance, or that a configuration
        of this number is in force from elsewhere, is not its doing.
        """
        if not order.attempts:
            return None
        if order.kind == CommandKind.SET_CLOCK and abs(message.clock - self.at) <= _CLOCK_SECONDS:
            return _Told(_State.CONFIRMED, ResultStatus.DONE)
        if order.kind != CommandKind.CONFIGURE:
            return None
        if message.configuration == order.parameters["version"]:
            return _Told(_State.CONFIRMED, ResultStatus.DONE)
        if order.attempts > 1 and self.at - order.last <= _REFUSAL_SECONDS:
            detail = f"version {message.configuration} stays in force"
            return _Told(_State.FAILED, ResultStatus.REFUSED, detail)
        return None

    def store(self) -> None:
        """In the transaction that stores the frames (`LoadBatch.beside`)."""
        self._store(self.by_request, _BY_REQUEST)
        self._store(self.by_key, _BY_KEY)

    def _store(self, told: dict[tuple[int, int], _Told], match: str) -> None:
        if not told:
            return
        columns: dict[str, Any] = {
            "module": [module for module, _number in told],
            "number": [number for _module, number in told],
            "state": [str(one.state) for one in told.values()],
            "status": [one.status for one in told.values()],
            "detail": [one.detail for one in told.values()],
            "legal": _LEGAL,
            "without": [str(kind) for kind in WITHOUT_NUMBER],
            "at": self.at,
        }
        with connection.cursor() as cursor:
            cursor.execute(_STORE.format(match=match), columns)

    def settle(self) -> None:
        """After the commit, and before the batch is answered: nothing of it is sent once more."""
        for (module, request), told in self.by_request.items():
            for order in self.downlink.of_module(module):
                if order.request != request or order.kind in WITHOUT_NUMBER:
                    continue
                if told.state is _State.DELIVERED:
                    self.downlink.heard(module, order.id, self.at)
                else:
                    self.downlink.drop({order.id}, [module])
        for module, key in self.by_key:
            self.downlink.drop({key}, [module])
