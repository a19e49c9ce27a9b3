"""Embedded NATS as an MQTT 3.1.1 broker that has stored what it acknowledges."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from config.embedded import mqtt_login
from config.embedded.binaries import nats_server
from config.embedded.ports import LOOPBACK
from config.embedded.service import Service
from config.embedded.state import write_private

SERVER_USER = "readout"

# `sync_interval: always` writes to disk before PUBACK (the default is every two minutes).
# `ack_wait`: what a killed worker had not acknowledged comes again after so long.
TEMPLATE = """\
# Written anew at each start.
server_name: readout
listen: "{host}:-1"
max_payload: 1MB
jetstream {{
  store_dir: {store}
  sync_interval: {sync}
}}
mqtt {{
  listen: "{host}:{port}"
  ack_wait: {ack_wait}
  max_ack_pending: 2000
}}
pid_file: {pid}
include "logins.conf"
"""
# One line, JSON after it, in a file of its own: the server adds users of devices and has it read
# again, without touching the rest.
AUTHORIZATION = "authorization: "


@dataclass(frozen=True)
class BrokerUser:
    """A login of the broker with the NATS subjects (`a.b` is topic `a/b`) it may use."""

    name: str
    password: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]

    def configuration(self) -> dict[str, object]:
        permissions = {"publish": list(self.publish), "subscribe": list(self.subscribe)}
        return {
            "user": self.name,
            "password": self.password,
            "permissions": permissions,
        }


class Nats(Service):
    name = "nats"
    title = "NATS"
    variable = "MQTT_URL"
    program = "nats-server"
    ack_wait = "10s"

    @property
    def password(self) -> str:
        return self.folder.secret("mqtt_password")

    @property
    def url(self) -> str:
        return f"mqtt://{SERVER_USER}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def signature(self) -> Path:
        return self.data / "nats.conf"

    @property
    def logins(self) -> Path:
        return self.data / "logins.conf"

    def users(self) -> list[dict[str, object]]:
        """The server itself, which may use every topic, and the devices of the last run."""
        server = BrokerUser(SERVER_USER, self.password, publish=(">",), subscribe=(">",))
        return [server.configuration(), *self._devices()]

    def _devices(self) -> list[dict[str, object]]:
        """Users that the running server added; none where the file is absent or spoilt."""
        try:
            text = self.logins.read_text().removeprefix(AUTHORIZATION)
            users = json.loads(text)["users"]
            return [user for user in users if user["user"] != SERVER_USER]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        text = TEMPLATE.format(
            host=LOOPBACK,
            port=self.port,
            store=json.dumps(str(self.data / "store")),
            sync='"2m"' if self.temporary else "always",
            ack_wait=json.dumps(self.ack_wait),
            pid=json.dumps(str(self.data / "nats.pid")),
        )
        write_private(self.logins, AUTHORIZATION + json.dumps({"users": self.users()}) + "\n")
        write_private(self.signature, text)

    def command(self) -> list[str]:
        return [str(nats_server()), "-c", str(self.signature)]

    def ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                accepted = mqtt_login.login(connection, SERVER_USER, self.password)
        except OSError:
            return False
        return accepted == mqtt_login.ACCEPTED
