"""Logins and topic rights in the form that each broker reads; the embedded one is told by itself.

Every device may publish `readout/v1/up/<shard>/<its id>` and subscribe to
`readout/v1/down/<its id>`; one of another protocol may publish to the topics of its login and read
nothing. The server's own user may use `readout/v1/#`. docs/mqtt.md and docs/device-types/mqtt.md
tell where the texts go.
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

_OURS = "readout/#"
_NATS_BEGIN = "authorization: "
# What mosquitto_passwd 2.0 writes by default.
_MOSQUITTO_ROUNDS = 101


def client_secret() -> str:
    """The secret part of the server's client ids: the same in all workers of an installation."""
    return keyed_hash(b"broker sessions", purpose="mqtt-client-id").hex()[:15]


def _nats_user(login: Login) -> dict[str, Any]:
    return {
        "user": login.label,
        "password": login.password,
        "allowed_connection_types": ["MQTT"],
        "permissions": _nats_foreign(login) if login.topics else _nats_universal(login),
    }


def _nats_universal(login: Login) -> dict[str, Any]:
    return {
        "publish": [up_topic(login.label).replace("/", ".")],
        # The second is where the broker itself delivers QoS 1; it lets nobody subscribe to it.
        "subscribe": [f"readout.v1.down.{login.label}", "$MQTT.sub.>"],
    }


def _nats_foreign(login: Login) -> dict[str, Any]:
    # An empty list would allow everything.
    return {
        "publish": [_nats_subject(topic) for topic in login.topics],
        "subscribe": {"deny": [">"]},
    }


def _nats_subject(topic: str) -> str:
    return topic.replace("/", ".").replace("+", "*").replace("#", ">")


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
    for label, password, _topics in logins:
        salt = os.urandom(12)
        digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _MOSQUITTO_ROUNDS)
        yield f"{label}:$7${_MOSQUITTO_ROUNDS}${_base64(salt)}${_base64(digest)}"


def _mosquitto_acl(logins: Iterable[Login]) -> Iterator[str]:
    """Rights of devices of other protocols, to stand behind those of `mosquitto.acl`."""
    for login in logins:
        if login.topics:
            yield f"user {login.label}"
            yield f"topic deny {_OURS}"
            yield from (f"topic write {topic}" for topic in login.topics)


def _rabbitmq(logins: Iterable[Login]) -> Iterator[str]:
    """Definitions to import: users and rights on the exchange and on the topics."""
    users, permissions, topics = [], [], []
    for login in logins:
        users.append(_rabbitmq_user(login))
        permissions.append(_rabbitmq_permission(login.label))
        topics.append(
            {
                "user": login.label,
                "vhost": "/",
                "exchange": "amq.topic",
                **(_rabbitmq_foreign(login) if login.topics else _rabbitmq_universal(login.label)),
            }
        )
    document = {"users": users, "permissions": permissions, "topic_permissions": topics}
    yield json.dumps(document, indent=1)


def _rabbitmq_user(login: Login) -> dict[str, Any]:
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + login.password.encode()).digest()
    return {
        "name": login.label,
        "password_hash": _base64(salt + digest),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }


def _rabbitmq_permission(label: str) -> dict[str, Any]:
    queues = f"^mqtt-subscription-{label}qos[01]$"
    rights = f"^amq\\.topic$|{queues}"
    return {"user": label, "vhost": "/", "configure": queues, "write": rights, "read": rights}


def _rabbitmq_universal(label: str) -> dict[str, Any]:
    return {
        "write": f"^{up_topic(label).replace('/', '[.]')}$",
        "read": f"^readout[.]v1[.]down[.]{label}$",
    }


def _rabbitmq_foreign(login: Login) -> dict[str, Any]:
    words = {"+": "[^.]+", "#": ".+"}
    topics = [
        "[.]".join(words.get(level, level) for level in topic.split("/")) for topic in login.topics
    ]
    # No topic is empty: nothing may be read.
    return {"write": f"^({'|'.join(topics)})$", "read": "^$"}


def _emqx(logins: Iterable[Login]) -> Iterator[str]:
    """Users for the built-in database: SHA-256, salt in front. Rights: see `emqx.acl`."""
    users = []
    for label, password, _topics in logins:
        salt = os.urandom(8).hex()
        digest = hashlib.sha256((salt + password).encode()).hexdigest()
        users.append(
            {"user_id": label, "password_hash": digest, "salt": salt, "is_superuser": False}
        )
    yield json.dumps(users, indent=1)


def _emqx_acl(logins: Iterable[Login]) -> Iterator[str]:
    """Rights of devices of other protocols, to stand before those of `emqx.acl`."""
    for login in logins:
        if login.topics:
            who = f'{{username, "{login.label}"}}'
            yield f"{{allow, {who}, publish, {json.dumps(login.topics)}}}."
            yield f"{{deny, {who}, all, {json.dumps(['#'])}}}."


def _plain(logins: Iterable[Login]) -> Iterator[str]:
    """User name and password, for whoever configures the modules."""
    for label, password, _topics in logins:
        yield f"{label}\t{password}"


# Name of a format → the lines of its file.
FORMATS: dict[str, Callable[[Iterable[Login]], Iterator[str]]] = {
    "emqx": _emqx,
    "emqx-acl": _emqx_acl,
    "mosquitto": _mosquitto,
    "mosquitto-acl": _mosquitto_acl,
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
