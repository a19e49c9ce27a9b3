"""What modules do when they are asked for something (docs/protocol.md, "Commands").

A request is carried out once, however often it comes: its number is remembered with its result.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import (
    MODULE_PORT,
    AckFlag,
    Acknowledgement,
    ArchiveRequest,
    Capability,
    Command,
    CommandResult,
    Configuration,
    Event,
    EventCode,
    Events,
    Hello,
    IntervalProfile,
    NewKey,
    Opcode,
    RegisterSnapshot,
    RegisterValue,
    ResultStatus,
    Status,
)
from ingestion.emulator.ledger import Told
from ingestion.emulator.meters import Message, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.codecs.universal_messages import Message as AnyMessage
    from ingestion.codecs.universal_messages import UpMessage
    from ingestion.emulator.courier import Courier
    from ingestion.emulator.memory import Memory
    from ingestion.emulator.meters import Meters

__all__ = ["Responder"]

# Results that a module remembers.
_REMEMBERED = 16
_FIRMWARE = (1, 0, 0)
_CAPABILITIES = Capability.ARCHIVE | Capability.CONFIGURATION | Capability.KEY_ROTATION
# Registers of one snapshot.
_MOST = 255


class Responder:
    """Hears what the courier of a fleet is told, and posts what the modules answer."""

    def __init__(self, courier: Courier, meters: Meters, memory: Memory) -> None:
        self._courier = courier
        self._meters = meters
        self._memory = memory
        self._done: dict[int, OrderedDict[int, CommandResult]] = defaultdict(OrderedDict)
        self._version: dict[int, int] = {}
        self.carried_out = 0
        courier.on_message = self.hear

    def hear(self, row: int, message: AnyMessage) -> None:
        """A message of the server for a module, in a frame that is not older than the last one."""
        handle = _HANDLERS.get(type(message))
        if handle is not None:
            handle(self, row, message)

    def _answered(self, row: int, message: Acknowledgement) -> None:
        if message.flags & AckFlag.SEND_HELLO:
            self._post(row, self._hello(row))

    def _command(self, row: int, command: Command) -> None:
        known = self._done[row].get(command.request)
        if known is not None:
            self._post(row, known)
            return
        if self._now(row) > command.valid_until:
            self._finish(row, command.request, ResultStatus.EXPIRED)
            return
        act = _OPCODES.get(command.opcode)
        if act is None:
            self._finish(row, command.request, ResultStatus.UNKNOWN_COMMAND)
            return
        self.carried_out += 1
        self._finish(row, command.request, ResultStatus.DONE, before=act(self, row))

    def _archive(self, row: int, asked: ArchiveRequest) -> None:
        known = self._done[row].get(asked.request)
        if known is not None:
            self._post(row, known)
            return
        found = list(self._memory.find(row, asked))
        self.carried_out += 1
        status = ResultStatus.DONE if found else ResultStatus.NO_DATA
        self._finish(row, asked.request, status, before=found)

    def _configure(self, row: int, wanted: Configuration) -> None:
        """Registers keep their interval: another one is beyond this module."""
        mine = self._meters.interval[self._meters.row == row]
        if bool((mine == wanted.interval).all()):
            self._version[row] = wanted.version
            self.carried_out += 1
        self._post(row, self._hello(row))

    def _new_key(self, row: int, given: NewKey) -> None:
        modules = self._courier.modules
        if given.claim_nonce is not None or given.selector == int(modules.selector[row]):
            return
        [hello] = joined([Message(row, encode([self._hello(row)]))])
        self._courier.rekey(row, given.selector, given.key, hello)
        self.carried_out += 1

    def _registers(self, row: int) -> Sequence[UpMessage]:
        lines = np.flatnonzero(self._meters.row == row)[:_MOST]
        values = tuple(
            RegisterValue(
                int(self._meters.port[line]),
                int(self._meters.register[line]),
                int(self._meters.opening[line]),
            )
            for line in lines.tolist()
        )
        at = int(self._meters.next_start[lines].max()) if len(lines) else 0
        return [RegisterSnapshot(min(at, self._now(row)), values)] if values else []

    def _status(self, row: int) -> Sequence[UpMessage]:
        return [Status(self._now(row), 3_600, 90, -80, 20)]

    def _restart(self, row: int) -> Sequence[UpMessage]:
        """The numbers of requests outlast it: else it would begin anew for ever."""
        restarted = Event(self._now(row), MODULE_PORT, EventCode.RESTART)
        return [Events((restarted,)), self._hello(row, restarted=True)]

    def _hello(self, row: int, *, restarted: bool = False) -> Hello:
        return Hello(
            self._now(row),
            60,
            _FIRMWARE,
            capabilities=_CAPABILITIES,
            configuration=self._version.get(row, 0),
            restarted=restarted,
        )

    def _now(self, row: int) -> int:
        return int(self._courier.modules.time(row, self._courier.wall()))

    def _finish(
        self, row: int, request: int, status: ResultStatus, *, before: Sequence[UpMessage] = ()
    ) -> None:
        result = CommandResult(request, status, self._now(row))
        done = self._done[row]
        done[request] = result
        while len(done) > _REMEMBERED:
            done.popitem(last=False)
        self._post(row, *before, result)

    def _post(self, row: int, *messages: UpMessage) -> None:
        made = [Message(row, encode([message]), _told(message)) for message in messages]
        self._courier.post(joined(made))


def _told(message: UpMessage) -> Told | None:
    """What of an archive answer goes into the ledger."""
    if not isinstance(message, IntervalProfile):
        return None
    return Told(
        message.port,
        message.register,
        message.base_time,
        message.interval,
        message.opening,
        message.values,
    )


_HANDLERS: dict[type, Callable[[Responder, int, Any], None]] = {
    Acknowledgement: Responder._answered,
    Command: Responder._command,
    ArchiveRequest: Responder._archive,
    Configuration: Responder._configure,
    NewKey: Responder._new_key,
}
_OPCODES: dict[int, Callable[[Responder, int], Sequence[UpMessage]]] = {
    Opcode.READ_REGISTERS: Responder._registers,
    Opcode.SEND_STATUS: Responder._status,
    Opcode.RESTART: Responder._restart,
}
