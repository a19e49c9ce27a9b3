"""Free TCP ports on the loopback interface."""

import random
import socket

from config.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
# Below the range that Linux hands out to outgoing connections, so that a port stays ours.
SERVICE_PORTS = range(21000, 32000)
WEB_PORTS = range(8000, 8100)
ATTEMPTS = 200
BACKLOG = 256


def is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        # On datagrams it would let two share a port.
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def service_port(remembered: int | None) -> int:
    """The port of the last start where it is free, else any other."""
    if remembered is not None and is_free(remembered):
        return remembered
    for port in random.SystemRandom().sample(SERVICE_PORTS, ATTEMPTS):
        if is_free(port):
            return port
    raise EmbeddedError(
        f"no free port between {SERVICE_PORTS.start} and {SERVICE_PORTS.stop - 1}:"
        " stop some of the programs that listen there"
    )


def parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise EmbeddedError(f"PORT is {text!r}: give a number from 1 to 65535")
    return int(text)


def listen(port: int) -> socket.socket | None:
    """A listening socket, or None where the port is taken or not allowed."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)  # two may bind at once, only one may listen
    except OSError:
        listener.close()
        return None
    return listener


def web_socket(*, forced: str | None, remembered: int | None) -> socket.socket:
    """Listens on `PORT` where given, else on the last port, else on the next free from 8000.

    Held by the supervisor, so that the port stays ours while the web process restarts.
    """
    if forced:
        listener = listen(parse_port(forced))
        if listener is None:
            raise EmbeddedError(
                f"port {forced} (from PORT) cannot be used, another program may listen there:"
                " stop that program, give another PORT, or leave PORT out to get a free one"
            )
        return listener
    candidates = [*WEB_PORTS] if remembered is None else [remembered, *WEB_PORTS]
    for port in candidates:
        listener = listen(port)
        if listener is not None:
            return listener
    raise EmbeddedError(
        f"no free port between {WEB_PORTS.start} and {WEB_PORTS.stop - 1}: give one in PORT"
    )
