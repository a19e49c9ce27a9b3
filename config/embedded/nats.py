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
  ack_wait: "10s"
  max_ack_pending: 8192
}}
authorization {{
  users: {users}
}}
"""


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

    @property
    def password(self) -> str:
        return self.folder.secret("mqtt_password")

    @property
    def url(self) -> str:
        return f"mqtt://{SERVER_USER}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def signature(self) -> Path:
        return self.data / "nats.conf"

    def users(self) -> list[BrokerUser]:
        """The server itself, which may use every topic."""
        return [BrokerUser(SERVER_USER, self.password, publish=(">",), subscribe=(">",))]

    def prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        text = TEMPLATE.format(
            host=LOOPBACK,
            port=self.port,
            store=json.dumps(str(self.data / "store")),
            sync='"2m"' if self.temporary else "always",
            users=json.dumps([user.configuration() for user in self.users()]),
        )
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
