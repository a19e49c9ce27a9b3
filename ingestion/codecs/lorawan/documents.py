"""A network server's document → `Uplink`, by the tables of `servers`.

Nothing but what the tables name is looked at, so that further keys do no harm. Numbers may stand as
texts. What a server leaves out because it is 0 (protobuf) is 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ..errors import DecodeError
from ..json_paths.text import Document, Node, read_json
from ..telegram import Item, Value
from .servers import SERVERS, Event, Server
from .uplink import JOIN, SpoiltUplink, Uplink
from .values import LONGEST_PAYLOAD, PAYLOADS, Fault, eui, level, time_of, whole

__all__ = ["LARGEST_DOCUMENT", "LONGEST_PAYLOAD", "may_be_uplink", "read_uplink"]

LARGEST_DOCUMENT = 65_536
_MOST_GATEWAYS = 1_000
_HIGHEST_PORT, _HIGHEST_COUNTER = 255, 2**32 - 1
# Port 0 carries commands of the network, nothing of the application.
_NETWORK_PORT = 0
_LONGEST_TEXT = 40
# A key that every document of a known server has: most other messages are told apart by it.
_MARKS = re.compile(
    rb'"(?:end_device_ids|deviceInfo|devEUI|devEui|DevEUI_[A-Za-z_]+|EUI|meta)"[ \t\r\n]*:'
)
# Those that other documents hardly have: it is one of ours though it can't be read.
_SURE_MARKS = re.compile(rb'"(?:end_device_ids|deviceInfo|devEUI|devEui|DevEUI_[A-Za-z_]+)"')
_SPACE = b" \t\r\n\xef\xbb\xbf"
_FALSE = (None, False, 0, "0", "false", "")


class _Part(NamedTuple):
    """A part of the document that is there, as it was understood."""

    name: str
    node: Node
    value: Value
    unit: str = ""


def may_be_uplink(octets: bytes) -> bool:
    """A quick look: False for what `read_uplink` gives None for, mostly."""
    first = octets[:64].lstrip(_SPACE)[:1]
    return first in (b"{", b"[") and _MARKS.search(octets) is not None


def read_uplink(octets: bytes) -> Uplink | None:
    """None: no document of a known network server. SpoiltUplink: it is one and can't be used."""
    if not may_be_uplink(octets):
        return None
    if len(octets) > LARGEST_DOCUMENT:
        reason = f"{len(octets)} bytes, an uplink may have {LARGEST_DOCUMENT}"
        raise SpoiltUplink(LARGEST_DOCUMENT, reason)
    try:
        document = read_json(octets)
    except DecodeError as error:
        if _SURE_MARKS.search(octets) is None:
            return None
        raise SpoiltUplink(error.offset, error.reason) from None
    root = document.root
    listed = isinstance(root.value, list)
    first = root.value[0] if isinstance(root.value, list) and root.value else root
    server = next((one for one in SERVERS if _is_of(one, first)), None)
    if server is None:
        return None
    if listed and len(root.value or ()) > 1:  # type: ignore[arg-type]
        raise SpoiltUplink(0, "several uplinks in one document; have the server send them singly")
    return _Reading(document, server, first).uplink()


def _is_of(server: Server, root: Node) -> bool:
    return all(any(_at(root, path) for path in one.split("|")) for one in server.mark)


def _at(root: Node, path: str) -> Node | None:
    """The node at a path; of a list its first element. None where there is none, or null."""
    node: Node | None = root
    for key in path.split("."):
        if node is not None and isinstance(node.value, list):
            node = node.value[0] if node.value else None
        if node is None or not isinstance(node.value, dict):
            return None
        node = node.value.get(key)
    return None if node is None or node.value is None else node


class _Reading:
    """One document. Faults name the DevEUI as soon as it is known."""

    def __init__(self, document: Document, server: Server, root: Node) -> None:
        self.document, self.server, self.root = document, server, root
        self.parts: list[_Part] = []
        self.dev_eui = ""

    def uplink(self) -> Uplink:
        server = self.server
        self.dev_eui = self.eui()
        event = self.event()
        at = self.time()
        if event:
            return self.made(event=event, at=at)
        for path in server.closed:
            node = _at(self.root, path)
            if node is not None and node.value not in _FALSE and node.value != {}:
                raise self.fault(node, "the network server has no key to open the payload")
        port = self.number("port", server.port, _HIGHEST_PORT)
        counter = self.number("counter", server.counter, _HIGHEST_COUNTER)
        payload = self.payload()
        told = {"port": port, "counter": counter, "payload": payload, "at": at, **self.signal()}
        nothing = not payload or port == _NETWORK_PORT
        return self.made(**told, event="uplink without data" if nothing else "")

    def made(self, **told: Any) -> Uplink:
        items = tuple(
            Item(
                name=part.name,
                value=part.value,
                unit=part.unit,
                start=self.document.place(part.node.start),
                end=self.document.place(part.node.end),
                raw=self.document.text[part.node.start : part.node.end][:_LONGEST_TEXT],
            )
            for part in self.parts
        )
        return Uplink(server=self.server.name, dev_eui=self.dev_eui, items=items, **told)

    def fault(self, node: Node, reason: str) -> SpoiltUplink:
        return SpoiltUplink(self.document.place(max(node.start, 0)), reason, self.dev_eui)

    def read(self, name: str, path: str, convert: Callable[[Any], Any], unit: str = "") -> Any:
        """What stands at a path, converted; None where nothing does."""
        node = _at(self.root, path)
        if node is None:
            return None
        try:
            value = convert(node.value)
        except Fault as fault:
            raise self.fault(node, f"{name}: {fault}") from None
        if value is not None:
            self.parts.append(_Part(name, node, value, unit))
        return value

    def eui(self) -> str:
        for path in self.server.eui:
            found = self.read("dev_eui", path, eui)
            if found is not None:
                return str(found)
        raise self.fault(self.root, "no DevEUI: have the network server send it")

    def event(self) -> str:
        """What happened, "" for an uplink."""
        for event in self.server.events:
            if self.happened(event):
                return event.name
        if any(_at(self.root, path) for path in self.server.says):
            return ""
        # What has an address of the network and no data told that a module joined.
        return JOIN if _at(self.root, "devAddr") else "event"

    def happened(self, event: Event) -> bool:
        node = _at(self.root, event.path)
        if node is None:
            return False
        if not event.value:
            return node.value is not False
        return isinstance(node.value, str) and node.value.lower() == event.value

    def time(self) -> datetime | None:
        for path, form in self.server.times:
            found = self.read("at", path, time_of(form))
            if found is not None:
                return found if isinstance(found, datetime) else None
        return None

    def number(self, name: str, path: str, highest: int) -> int | None:
        """0 where a server that leaves out zeros says none of it."""
        found = self.read(name, path, whole(highest))
        zeros = self.server.name in _LEAVE_OUT_ZEROS
        return 0 if found is None and zeros else found

    def payload(self) -> bytes:
        for path, form in self.server.payload:
            found = self.read("payload", path, PAYLOADS[form])
            if found is not None:
                return bytes(found)
        return b""

    def signal(self) -> dict[str, Decimal]:
        """rssi and snr of the gateway that heard it best; odd values are left out."""
        heard = [list(_levels(self.server, gateway)) for gateway in self.gateways()]
        best = max(heard, key=_strength, default=[])
        self.parts += best
        return {part.name: Decimal(str(part.value)) for part in best}

    def gateways(self) -> list[Node]:
        node = _at(self.root, self.server.gateways) if self.server.gateways else self.root
        if node is None:
            return []
        return node.value[:_MOST_GATEWAYS] if isinstance(node.value, list) else [node]


# Protobuf's JSON has no zeros.
_LEAVE_OUT_ZEROS = frozenset({"The Things Stack", "ChirpStack 4", "ChirpStack 3"})


def _levels(server: Server, gateway: Node) -> Iterator[_Part]:
    for name, path, unit in (("rssi", server.rssi, "dBm"), ("snr", server.snr, "dB")):
        node = _at(gateway, path)
        found = None if node is None else level(node.value)
        if node is not None and found is not None:
            yield _Part(name, node, found, unit)


def _strength(levels: list[_Part]) -> Decimal:
    found = next((part.value for part in levels if part.name == "rssi"), None)
    return found if isinstance(found, Decimal) else Decimal(-1_000)
