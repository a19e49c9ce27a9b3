"""The few words of the Redis protocol (RESP2) that a check of the login needs."""

import socket

REPLY_BYTES = 4096


def encode(*words: str) -> bytes:
    """`*<count>CRLF`, then for each word `$<bytes>CRLF<word>CRLF`."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        raw = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(raw), raw))
    return b"".join(parts)


def ask(connection: socket.socket, *words: str) -> str:
    """The first line of the answer without its end, such as `+PONG` or `-NOAUTH ...`."""
    connection.sendall(encode(*words))
    answer = b""
    while b"\r\n" not in answer and len(answer) < REPLY_BYTES:
        part = connection.recv(REPLY_BYTES)
        if not part:
            break
        answer += part
    return answer.partition(b"\r\n")[0].decode(errors="replace")


def login(connection: socket.socket, user: str | None, password: str | None) -> str:
    """`+PONG` where the login is good, else the server's complaint."""
    if password is not None:
        words = [user, password] if user else [password]
        answer = ask(connection, "AUTH", *words)
        if not answer.startswith("+"):
            return answer
    return ask(connection, "PING")
