"""The first exchange of MQTT 3.1.1 (CONNECT, CONNACK): enough to check a login."""

import secrets
import socket

CONNECT, CONNACK, DISCONNECT = 0x10, 0x20, b"\xe0\x00"
CLEAN_SESSION, WITH_PASSWORD, WITH_USER = 0x02, 0x40, 0x80
KEEP_ALIVE_SECONDS = 10
ACCEPTED = 0
# MQTT 3.1.1, table 3.1
REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it refuses the client id",
    3: "it is unavailable",
    4: "wrong user or password",
    5: "wrong user or password, or not allowed",
}


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def _length(size: int) -> bytes:
    """Seven bits a byte, lowest first, the top bit says that more follow."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def connect_packet(client_id: str, user: str | None, password: str | None) -> bytes:
    flags = CLEAN_SESSION
    payload = _text(client_id)
    if user is not None:
        flags |= WITH_USER
        payload += _text(user)
    if password is not None:
        flags |= WITH_PASSWORD
        payload += _text(password)
    body = _text("MQTT") + bytes([4, flags]) + KEEP_ALIVE_SECONDS.to_bytes(2, "big") + payload
    return bytes([CONNECT]) + _length(len(body)) + body


def login(connection: socket.socket, user: str | None, password: str | None) -> int | None:
    """The return code of the CONNACK; None where the answer is not MQTT or there is none."""
    client_id = "readout-check-" + secrets.token_hex(4)
    connection.sendall(connect_packet(client_id, user, password))
    answer = b""
    while len(answer) < 4:
        part = connection.recv(4 - len(answer))
        if not part:
            break
        answer += part
    if len(answer) < 4 or answer[0] != CONNACK:
        return None
    if answer[3] == ACCEPTED:
        connection.sendall(DISCONNECT)
    return answer[3]
