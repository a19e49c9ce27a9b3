"""Logins and topic rights in the form that each broker reads; the embedded one is told by itself.

Every device may publish `readout/v1/up/<shard>/<its id>` and subscribe to `readout/v1/down/<its id>`;
the server's own user may use `readout/v1/#`. docs/mqtt.md tells where the texts go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.lib.crypto import keyed_hash
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import up_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingestion.services.mqtt_logins import Login

__all__ = ["FORMATS", "client_secret", "embedded_broker_update"]

_NATS_BEGIN = "authorization: "
# What mosquitto_passwd 2.0 writes by default.
_MOSQUITTO_ROUNDS = 101


def client_secret() -> str:
    """The secret part of the server's client ids: the same in all workers of an installation."""
    return keyed_hash(b"broker sessions", purpose="mqtt-client-id").hex()[:15]


def _nats_user(login: Login) -> dict[str, Any]:
    up = up_topic(login.label).replace("/", ".")
    return {
        "user": login.label,
        "password": login.password,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": [up],
            # The second is where the broker itself delivers QoS 1; it lets nobody subscribe to it.
            "subscribe": [f"readout.v1.down.{login.label}", "$MQTT.sub.>"],
        },
    }


def _nats(logins: Iterable[Login]) -> Iterator[str]:
    """A file to include: one `authorization` block with the server's user and the devices."""
    address = BrokerAddress.parse(settings.MQTT_URL)
    everything = {"publish": [">"], "subscribe": [">"]}
    server = {"user": address.user, "password": address.password, "permissions": everything}
    yield _nats_file([server], logins)


def _nats_file(others: list[dict[str, Any]], logins: Iterable[Login]) -> str:
    # The broker refuses a file that names a user twice, as two companies with one device id would.
    devices = {login.label: _nats_user(login) for login in logins}
    return _NATS_BEGIN + json.dumps({"users": [*others, *devices.values()]})


def _mosquitto(logins: Iterable[Login]) -> Iterator[str]:
    """The password file. Rights need no line for each device: see `mosquitto.acl`."""
    for label, password in logins:
        salt = os.urandom(12)
        digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _MOSQUITTO_ROUNDS)
        yield f"{label}:$7${_MOSQUITTO_ROUNDS}${_base64(salt)}${_base64(digest)}"


def _rabbitmq(logins: Iterable[Login]) -> Iterator[str]:
    """Definitions to import: users and rights on the exchange and on the topics."""
    users, permissions, topics = [], [], []
    for label, password in logins:
        salt = os.urandom(4)
        digest = hashlib.sha256(salt + password.encode()).digest()
        users.append(
            {
                "name": label,
                "password_hash": _base64(salt + digest),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
        )
        queues = f"^mqtt-subscription-{label}qos[01]$"
        permissions.append(
            {
                "user": label,
                "vhost": "/",
                "configure": queues,
                "write": f"^amq\\.topic$|{queues}",
                "read": f"^amq\\.topic$|{queues}",
            }
        )
        topics.append(
            {
                "user": label,
                "vhost": "/",
                "exchange": "amq.topic",
                "write": f"^{up_topic(label).replace('/', '[.]')}$",
                "read": f"^readout[.]v1[.]down[.]{label}$",
            }
        )
    document = {"users": users, "permissions": permissions, "topic_permissions": topics}
    yield json.dumps(document, indent=1)


def _emqx(logins: Iterable[Login]) -> Iterator[str]:
    """Users for the built-in database: SHA-256, salt in front. Rights: see `emqx.acl`."""
    users = []
    for label, password in logins:
        salt = os.urandom(8).hex()
        digest = hashlib.sha256((salt + password).encode()).hexdigest()
        users.append(
            {"user_id": label, "password_hash": digest, "salt": salt, "is_superuser": False}
        )
    yield json.dumps(users, indent=1)


def _plain(logins: Iterable[Login]) -> Iterator[str]:
    """Device id and password, for whoever configures the modules."""
    for label, password in logins:
        yield f"{label}\t{password}"


# Name of a format → the lines of its file.
FORMATS: dict[str, Callable[[Iterable[Login]], Iterator[str]]] = {
    "emqx": _emqx,
    "mosquitto": _mosquitto,
    "nats": _nats,
    "plain": _plain,
    "rabbitmq": _rabbitmq,
}


def embedded_broker_update(logins: Iterable[Login]) -> bool:
    """Replace the devices among the users of the embedded broker and have it read them.

    False: it does not run.
    """
    folder = Path(settings.VAR_DIR) / "nats"
    broker = _embedded_process(folder)
    if broker is None:
        return False
    path = folder / "logins.conf"
    users = json.loads(path.read_text().removeprefix(_NATS_BEGIN))["users"]
    others = [user for user in users if "allowed_connection_types" not in user]
    _write_private(path, _nats_file(others, logins) + "\n")
    os.kill(broker, signal.SIGHUP)
    return True


def _embedded_process(folder: Path) -> int | None:
    """The process id of the broker that was started with the configuration in this folder."""
    try:
        process = int((folder / "nats.pid").read_text())
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return process if str(folder / "nats.conf").encode() in words else None


def _write_private(path: Path, text: str) -> None:
    """Replace in one step; only the owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
