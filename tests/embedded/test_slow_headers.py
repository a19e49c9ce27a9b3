"""The web process drops connections whose headers do not come; others are left alone."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from config.embedded import slow_headers
from tests.embedded.conftest import until

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(slow_headers, "HEADER_SECONDS", 0.3)
    config = uvicorn.Config(
        application,
        port=0,
        http=slow_headers.HeaderLimitProtocol,
        timeout_keep_alive=30,
        log_level="warning",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the web server")
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nX-Slow: "])
def test_slow_first_request_is_dropped(address: tuple[str, int], start: bytes) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(start)
        assert connection.recv(100) == b""


def test_slow_second_request_is_dropped(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(REQUEST)
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        connection.sendall(REQUEST[:10])
        assert connection.recv(100) == b""


def test_idle_connection_between_requests_is_kept(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=1) as connection:
        connection.sendall(REQUEST)
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        with pytest.raises(TimeoutError):
            connection.recv(100)
        connection.sendall(REQUEST)
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
