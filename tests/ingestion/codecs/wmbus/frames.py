"""Frames made for tests, by means of their own: no checksum or cipher of the decoder is used."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

KEY = bytes(range(16))
OTHER_KEY = bytes(range(1, 17))
# Maker ELS, identification 12345678, version 0x33, device type 3 (gas).
ADDRESS = bytes.fromhex("9315 78563412 33 03")
# 28504.27 m3; 31 May 2008, 23:50; no error.
OMS_COUNTER = bytes.fromhex("b30a0000")
RECORDS = bytes.fromhex("0c1427048502 046d32371f15 02fd170000")


def crc(octets: bytes) -> int:
    """CRC-16 EN 13757, bit by bit."""
    value = 0
    for octet in octets:
        value ^= octet << 8
        for _ in range(8):
            value = (value << 1 ^ (0x3D65 if value & 0x8000 else 0)) & 0xFFFF
    return value ^ 0xFFFF


def with_crc(octets: bytes) -> bytes:
    return octets + crc(octets).to_bytes(2, "big")


def bare(content: bytes, address: bytes = ADDRESS, control: int = 0x44) -> bytes:
    """A frame without checksums, from its length byte on."""
    body = bytes([control]) + address + content
    return bytes([len(body)]) + body


def format_a(frame: bytes) -> bytes:
    rest = frame[10:]
    blocks = [frame[:10], *(rest[at : at + 16] for at in range(0, len(rest), 16))]
    return b"".join(map(with_crc, blocks))


def format_b(frame: bytes) -> bytes:
    """Its length counts the checksums as well."""
    checksums = 2 if len(frame) <= 126 else 4
    longer = bytes([frame[0] + checksums]) + frame[1:]
    blocks = [longer[:126], longer[126:]]
    return b"".join(with_crc(block) for block in blocks if block)


def short(records: bytes, configuration: int = 0, access: int = 0x2A) -> bytes:
    """CI 7A with its header: access number, status, configuration."""
    return bytes([0x7A, access, 0]) + configuration.to_bytes(2, "little") + records


def filled(records: bytes) -> bytes:
    """Between the fillers that encryption wants: whole blocks of 16 bytes."""
    plain = b"\x2f\x2f" + records
    return plain + b"\x2f" * (-len(plain) % 16)


def cbc(key: bytes, vector: bytes, plain: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def des(key: bytes, plain: bytes) -> bytes:
    """Thrice with one key is once."""
    encryptor = Cipher(TripleDES(key * 3), modes.CBC(bytes(8))).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def cmac(key: bytes, octets: bytes) -> bytes:
    made = CMAC(algorithms.AES(key))
    made.update(octets)
    return made.finalize()


def mode_5(records: bytes, key: bytes = KEY, access: int = 0x2A) -> bytes:
    plain = filled(records)
    blocks = len(plain) // 16
    ciphertext = cbc(key, ADDRESS + bytes([access]) * 8, plain)
    return bare(short(ciphertext, 0x0500 | blocks << 4, access))


def mode_7(records: bytes, key: bytes = KEY, counter: int = 0xAB3) -> bytes:
    """Under an authentication layer with a code of 8 bytes; keys derived from the counter."""
    plain, count = filled(records), counter.to_bytes(4, "little")
    material = count + ADDRESS[2:6] + b"\x07" * 7
    header = bytes([0x7A, 0x75, 0]) + (0x0700 | len(plain)).to_bytes(2, "little") + b"\x10"
    transport = header + cbc(cmac(key, b"\0" + material), bytes(16), plain)
    code = cmac(cmac(key, b"\1" + material), b"\x25" + count + transport)[:8]
    layer = bytes.fromhex("900f002c25") + count + code
    return bare(bytes.fromhex("8c2075") + layer + transport)


def session(payload: bytes, key: bytes = KEY, control: int = 0x20) -> bytes:
    """An extended link layer (8D) with an encrypted session."""
    number = bytes.fromhex("39d16820")
    counter = ADDRESS + bytes([control & ~0x12]) + number + bytes(3)
    encryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    plain = crc(payload).to_bytes(2, "little") + payload
    return bare(bytes([0x8D, control, 0x71]) + number + encryptor.update(plain))


def compact(headers: tuple[bytes, ...], data: tuple[bytes, ...]) -> bytes:
    """CI 79: signature of the format, checksum of the full frame, data."""
    full = b"".join(header + octets for header, octets in zip(headers, data, strict=True))
    sums = crc(b"".join(headers)).to_bytes(2, "little") + crc(full).to_bytes(2, "little")
    return bare(b"\x79" + sums + b"".join(data))
