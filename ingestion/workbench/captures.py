"""Frames of a capture file: packets of pcap files, or lines of text with one frame each.

pcap: the classic format of libpcap, little- and big-endian, micro- and nanoseconds; Ethernet, Linux
cooked and raw IP; the payloads of UDP and TCP packets that have one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from django.utils.translation import gettext as _

from ingestion.inspection import frames_in

from .samples import LARGEST_SAMPLE, SampleError

__all__ = ["LARGEST_CAPTURE", "Captured", "captured_frames"]

LARGEST_CAPTURE = 4_000_000
_MOST_FRAMES = 500
_ORDERS = {
    b"\xa1\xb2\xc3\xd4": ">",
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",
    b"\x4d\x3c\xb2\xa1": "<",
}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_FILE_HEADER, _PACKET_HEADER = 24, 16
# Link type → bytes before the network header; Ethernet and Linux cooked end in the EtherType.
_LINKS = {1: 14, 101: 0, 113: 16, 228: 0, 229: 0}
_VLAN, _ETHERNET = 0x8100, 1
_TCP, _UDP = 6, 17
_IPV6_HEADER = 40


class Captured(NamedTuple):
    """A frame and where it came from, for people."""

    octets: bytes
    origin: str


def captured_frames(content: bytes) -> list[Captured]:
    """At most 500 frames. SampleError where the file is of another format."""
    if content[:4] == _PCAPNG:
        raise SampleError(_("This is a pcapng file; save it as pcap (in Wireshark: Save as)."))
    order = _ORDERS.get(content[:4])
    found = _packets(content, order) if order else _lines(content)
    frames = list(islice(found, _MOST_FRAMES))
    if not frames:
        raise SampleError(_("There is no frame in the file."))
    return frames


def _lines(content: bytes) -> Iterator[Captured]:
    for number, octets in enumerate(frames_in(content), 1):
        if 0 < len(octets) <= LARGEST_SAMPLE:
            yield Captured(octets, _("frame %(number)d") % {"number": number})


def _packets(content: bytes, order: str) -> Iterator[Captured]:
    if len(content) < _FILE_HEADER:
        return
    link = struct.unpack_from(f"{order}I", content, 20)[0] & 0xFFFF
    if link not in _LINKS:
        raise SampleError(_("The capture is of a network of type %(link)d.") % {"link": link})
    at = _FILE_HEADER
    while at + _PACKET_HEADER <= len(content):
        size = struct.unpack_from(f"{order}I", content, at + 8)[0]
        packet = content[at + _PACKET_HEADER : at + _PACKET_HEADER + size]
        at += _PACKET_HEADER + size
        try:
            captured = _payload(packet, link)
        except (IndexError, struct.error):
            continue  # cut off by the capture: no frame
        if captured is not None and 0 < len(captured.octets) <= LARGEST_SAMPLE:
            yield captured


def _payload(packet: bytes, link: int) -> Captured | None:
    start = _LINKS[link]
    if link == _ETHERNET and struct.unpack_from(">H", packet, 12)[0] == _VLAN:
        start += 4
    version = packet[start] >> 4
    if version == 4:
        header = (packet[start] & 15) * 4
        end = start + struct.unpack_from(">H", packet, start + 2)[0]
        return _transport(packet[: end or None], start + header, packet[start + 9])
    if version == 6:
        end = start + _IPV6_HEADER + struct.unpack_from(">H", packet, start + 4)[0]
        return _transport(packet[:end], start + _IPV6_HEADER, packet[start + 6])
    return None


def _transport(packet: bytes, start: int, protocol: int) -> Captured | None:
    ports = struct.unpack_from(">HH", packet, start)
    if protocol == _UDP:
        return Captured(packet[start + 8 :], "UDP {} → {}".format(*ports))
    if protocol == _TCP:
        header = (packet[start + 12] >> 4) * 4
        return Captured(packet[start + header :], "TCP {} → {}".format(*ports))
    return None
