"""Embedded Valkey: cache, channels and task queue over the Redis protocol."""

import socket
from pathlib import Path

from config.embedded import resp
from config.embedded.binaries import valkey_server
from config.embedded.ports import LOOPBACK
from config.embedded.service import Service
from config.embedded.state import write_private


class Valkey(Service):
    name = "valkey"
    title = "Valkey"
    variable = "REDIS_URL"
    program = "valkey-server"

    @property
    def password(self) -> str:
        return self.folder.secret("valkey_password")

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def signature(self) -> Path:
        return self.data / "valkey.conf"

    def prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        lines = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{self.data}"',
            "appendonly": "no" if self.temporary else "yes",
            "save": '""',
            "daemonize": "no",
            "set-proc-title": "no",  # the command line tells an orphan from a stranger
            "maxmemory-policy": "noeviction",  # queued tasks are never thrown away
        }
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        write_private(self.signature, "# Written anew at each start.\n" + text)

    def command(self) -> list[str]:
        return [str(valkey_server()), str(self.signature)]

    def ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                return resp.login(connection, None, self.password) == "+PONG"
        except OSError:
            return False
