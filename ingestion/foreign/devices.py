"""Which module a message is of: (type, identity) → module, in memory, refreshed on change.

Read by queries at the start and for what triggers noted as changed; nothing is asked of the
database for a message. A module is found by its network address, by its serial number where it has
none, both compared by letters and digits only.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from ingestion.quarantine import Tokens, network_of

from .breaker import Breaker
from .messages import normal
from .types import ForeignTypes, types_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from ingestion.decoding import Identity

    from .messages import Message
    from .types import ForeignType

__all__ = ["Foreign", "ForeignDevice", "Memories", "foreign_read", "modules_of_types"]

# What decoders keep of the messages of long ago, by row of the registry.
Memories = dict[int, dict[str, Any]]

_MEMORIES = 50_000
# Messages of a network that are read in vain, at once and a second.
_STRANGERS, _STRANGERS_A_SECOND = 2_000.0, 20.0
_MODULES = """
SELECT m.id, m.company_id, m.device_type_id, m.address, m.serial, c.time_zone
FROM meters_telemetrymodule m JOIN accounts_company c ON c.id = m.company_id
WHERE m.device_type_id = ANY(%s)
"""
_TYPES_OF = "SELECT DISTINCT device_type_id FROM meters_telemetrymodule WHERE id = ANY(%s)"
_PORTS = """
SELECT t.module_id, t.port, d.resource FROM meters_meter t
JOIN meters_devicetype d ON d.id = t.device_type_id WHERE t.module_id = ANY(%s) ORDER BY 1, 2
"""
_INPUTS = """
SELECT module_id, port, pulse_weight, pulse_unit, sampling_period
FROM ingestion_moduleinput WHERE module_id = ANY(%s)
"""
# Of windows that no key protects; selector as in `counters`.
_MOVED = """
SELECT module_id, (extract(epoch FROM at) * 1000000)::bigint FROM ingestion_replay_window
WHERE selector = 2 AND module_id <> 0"""
_Key = tuple[int, str]


class ForeignDevice(NamedTuple):
    """A module; config: what its installation says, as the decoding takes it."""

    module: int
    company: int
    config: Mapping[str, Any]


@dataclass(slots=True)
class Foreign:
    """All that is known of foreign protocols.

    memories: what decoders keep of a module from one message to the next; recent: the last message
    of a module that was stored (digest, microseconds); hints: the type of the last known module
    that sent from a source, by source; senders: who sent a closed message from a source that began
    so; breaker: which types are not asked now, as they take too long; moved: when the network heard
    the uplink by which a module's window moved last, microseconds.
    """

    types: ForeignTypes = field(default_factory=ForeignTypes)
    memories: OrderedDict[int, dict[str, Any]] = field(default_factory=OrderedDict)
    recent: OrderedDict[int, tuple[bytes, int]] = field(default_factory=OrderedDict)
    hints: dict[str, int] = field(default_factory=dict)
    senders: dict[tuple[str, bytes], tuple[ForeignType, Identity]] = field(default_factory=dict)
    breaker: Breaker = field(default_factory=Breaker)
    moved: dict[int, int] = field(default_factory=dict)
    _strangers: dict[str, Tokens] = field(default_factory=dict)
    _devices: dict[_Key, tuple[ForeignDevice, ...]] = field(default_factory=dict)
    _keys: dict[int, _Key] = field(default_factory=dict)

    def find(self, device_type: int, identity: str) -> tuple[ForeignDevice, ...]:
        """Modules of the type with that identity; several companies may have entered it."""
        return self._devices.get((device_type, normal(identity)), ())

    def has(self, identity: str) -> bool:
        """Whether there is a module of any type with that identity."""
        return any(self.find(one.id, identity) for one in self.types.all)

    def put(self, devices: Iterable[tuple[_Key, ForeignDevice]]) -> None:
        for key, device in devices:
            self._devices[key] = (*self._devices.get(key, ()), device)
            self._keys[device.module] = key

    def drop(self, modules: Iterable[int]) -> None:
        """Forget these modules, and what was remembered of them."""
        self.senders.clear()
        for module in modules:
            self.memories.pop(module, None)
            key = self._keys.pop(module, None)
            if key is not None:
                rest = tuple(one for one in self._devices[key] if one.module != module)
                self._devices[key] = rest
                if not rest:
                    del self._devices[key]

    def in_order(self, message: Message) -> Iterator[ForeignType]:
        """The types that a message may be of; that of the last message from its source first."""
        hinted = self.types.by_id.get(self.hints.get(message.sender, 0))
        if hinted is not None and hinted.may_be(message):
            yield hinted
        yield from (one for one in self.types.of(message) if one is not hinted)

    def hint(self, source: str, device_type: int) -> None:
        """A known module of that type sends from there."""
        if len(self.hints) >= _MEMORIES:
            self.hints.clear()
        self.hints[source] = device_type

    def remember(self, source: str, head: bytes, one: ForeignType, identity: Identity) -> None:
        """Who sends closed messages from there that begin so."""
        if len(self.senders) >= _MEMORIES:
            self.senders.clear()
        self.senders[source, head] = one, identity

    def is_worth_reading(self, message: Message) -> bool:
        """False for senders nobody knows in a network that has sent too much of the kind.

        To find that no type knows a message costs a hundred times what reading a known one does.
        """
        tokens = self._strangers.get(network_of(message.address))
        if tokens is None or message.sender in self.hints:
            return True
        return tokens.peek(message.received_at / 1_000_000) >= 1

    def note_stranger(self, message: Message) -> None:
        """The message is of no known module."""
        if len(self._strangers) >= _MEMORIES:
            self._strangers.clear()
        at = message.received_at / 1_000_000
        network = network_of(message.address)
        tokens = self._strangers.setdefault(network, Tokens(_STRANGERS, _STRANGERS_A_SECOND))
        tokens.take(1, at)

    def memory(self, module: int) -> dict[str, Any]:
        """What the decoder keeps of a module; that of modules silent for longest is forgotten."""
        memory = self.memories.setdefault(module, {})
        self.memories.move_to_end(module)
        if len(self.memories) > _MEMORIES:
            self.memories.popitem(last=False)
        return memory

    def note(self, module: int, digest: bytes, at: int) -> None:
        """The module's last message that was stored."""
        self.recent[module] = digest, at
        self.recent.move_to_end(module)
        if len(self.recent) > _MEMORIES:
            self.recent.popitem(last=False)

    def refresh(self, modules: Sequence[int]) -> None:
        """Read these modules anew."""
        self.drop(modules)
        self.put(_devices_read(list(self.types.by_id), modules))
        self.moved |= _moved_read(modules)


def foreign_read(modules: Sequence[int] | None = None) -> Foreign:
    """All published types and their modules; or these modules, and the types of them."""
    if modules is None:
        types = types_read()
    else:
        with connection.cursor() as cursor:
            cursor.execute(_TYPES_OF, [list(modules)])
            types = types_read([row[0] for row in cursor.fetchall()])
    found = Foreign(types)
    if types.all:
        found.put(_devices_read(list(types.by_id), modules))
        found.moved = _moved_read(modules)
    return found


def modules_of_types(types: Sequence[int]) -> list[int]:
    """Ids of the modules of these device types."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM meters_telemetrymodule WHERE device_type_id = ANY(%s)", [list(types)]
        )
        return [row[0] for row in cursor.fetchall()]


def _devices_read(
    types: list[int], modules: Sequence[int] | None
) -> list[tuple[_Key, ForeignDevice]]:
    with connection.cursor() as cursor:
        if modules is None:
            cursor.execute(_MODULES, [types])
        else:
            cursor.execute(f"{_MODULES} AND m.id = ANY(%s)", [types, list(modules)])
        rows = cursor.fetchall()
        ids = [row[0] for row in rows]
        cursor.execute(_PORTS, [ids])
        ports: dict[int, dict[int, str]] = defaultdict(dict)
        for module, port, resource in cursor.fetchall():
            ports[module][port] = resource
        cursor.execute(_INPUTS, [ids])
        inputs: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        for module, port, weight, unit, period in cursor.fetchall():
            inputs[module][port] = _input(weight, unit, period)
    return [
        _device(*row, ports=ports.get(row[0], {}), inputs=inputs.get(row[0], {})) for row in rows
    ]


def _moved_read(modules: Sequence[int] | None) -> dict[int, int]:
    where = "" if modules is None else " AND module_id = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(_MOVED + where, [] if modules is None else [list(modules)])
        return dict(cursor.fetchall())


def _input(weight: Decimal, unit: str, period: int | None) -> dict[str, Any]:
    """What definitions may ask for as `$config.…`; what is not said is left out."""
    found: dict[str, Any] = {"pulse_weight": weight, "pulse_unit": unit}
    return found if period is None else found | {"sampling_period": period}


def _device(
    module: int,
    company: int,
    device_type: int,
    address: str,
    serial: str,
    zone: str,
    *,
    ports: Mapping[int, str],
    inputs: Mapping[int, Mapping[str, Any]],
) -> tuple[_Key, ForeignDevice]:
    config: dict[str, Any] = {"zone": zone}
    if ports:
        config["resource"] = next(iter(ports.values()))
    if inputs:
        # What names no port has what the first input says.
        config |= {**inputs[min(inputs)], "ports": inputs}
    return (device_type, normal(address) or normal(serial)), ForeignDevice(module, company, config)
