"""The web process of the embedded run: `python -m config.embedded.web DESCRIPTOR`.

The descriptor is a listening socket, inherited from the supervisor.
In production nginx stands in front (see deploy/); here the limits are set in uvicorn itself.
"""

import socket
import sys

import uvicorn

from config.embedded.slow_headers import HeaderLimitProtocol

CONNECTIONS_AND_TASKS = 500
KEEP_ALIVE_SECONDS = 20
HEADER_BYTES = 32 * 1024
WEBSOCKET_MESSAGE_BYTES = 256 * 1024
SHUTDOWN_SECONDS = 5


def configuration() -> uvicorn.Config:
    return uvicorn.Config(
        "config.asgi:application",
        http=HeaderLimitProtocol,
        limit_concurrency=CONNECTIONS_AND_TASKS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        lifespan="off",
    )


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    uvicorn.Server(configuration()).run(sockets=[listener])


if __name__ == "__main__":
    main()
