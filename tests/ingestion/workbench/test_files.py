"""Capture files, and the text of a definition changed in one line."""

from __future__ import annotations

import struct

import pytest

from ingestion.workbench.captures import captured_frames
from ingestion.workbench.samples import SampleError
from ingestion.workbench.texts import Head, head_of, is_of_language, with_key


def _udp(payload: bytes) -> bytes:
    udp = struct.pack(">HHHH", 7000, 7059, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\1" * 4, b"\2" * 4)
    return ip + udp


def _tcp(payload: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", 7000, 502, 0, 0, 0x50, 0x18, 0, 0, 0) + payload
    return struct.pack(">IHBB", 0x6000_0000, len(tcp), 6, 64) + bytes(32) + tcp


def _pcap(packets: list[bytes], link: int, order: str = "<") -> bytes:
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    rows = [struct.pack(f"{order}IIII", 0, 0, len(one), len(one)) + one for one in packets]
    return head + b"".join(rows)


@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_of_a_capture(order: str) -> None:
    ethernet = bytes(12) + b"\x08\x00" + _udp(b"hello") + bytes(6)  # padded by the card
    tagged = bytes(12) + b"\x81\x00\x00\x05\x86\xdd" + _tcp(b"world")
    frames = captured_frames(_pcap([ethernet, tagged, ethernet[:20]], 1, order))
    assert [(one.octets, one.origin) for one in frames] == [
        (b"hello", "UDP 7000 → 7059"),
        (b"world", "TCP 7000 → 502"),
    ]


def test_packets_without_a_link_header() -> None:
    [frame] = captured_frames(_pcap([_udp(b"hello")], 101))
    assert frame.octets == b"hello"


def test_lines_of_frames() -> None:
    frames = captured_frames(b"# first\n01 02\n\nAQIDBAUGBwg=\n")
    assert [one.octets for one in frames] == [b"\x01\x02", bytes(range(1, 9))]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "no frame"), (b"\x0a\x0d\x0d\x0a", "pcapng"), (_pcap([], 147), "type 147")],
)
def test_other_files_are_refused(content: bytes, why: str) -> None:
    with pytest.raises(SampleError, match=why):
        captured_frames(content)


def test_one_line_of_a_text_is_changed() -> None:
    assert with_key("# note\ntype: a\nmodel: b\n", "type", "c") == "# note\ntype: c\nmodel: b\n"
    assert with_key("model: b\n", "type", "c") == "type: c\nmodel: b\n"


def test_the_head_of_a_text_with_faults() -> None:
    text = "type: Acme W1\nvendor: Acme\nmodel: 5\nresource: [gas, heat]\nrole: odd\nx: 1\n"
    assert head_of(text) == Head(code="acme-w1", vendor="Acme", resource="gas")
    assert head_of("type: [") == Head()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("[universal.registers.9]\nreading_types = []\n", False),
        ("type: x\n", True),
        ("a = 1\n", True),
    ],
)
def test_which_texts_are_of_the_language(text: str, expected: bool) -> None:
    assert is_of_language(text) is expected
