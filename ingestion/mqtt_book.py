"""MQTT logins in memory, for the endpoint: no query for a connection, none for a stranger."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from typing import Any

import numpy as np
from django.db import DatabaseError, connection
from django.db.models import Count, Max

from ingestion.codecs.universal_frame import device_id
from ingestion.models import MqttLogin
from ingestion.services.mqtt_logins import mqtt_logins_live, mqtt_logins_publish

__all__ = ["LoginBook"]

logger = logging.getLogger(__name__)

_SECONDS = 2.0
# Passwords have 128 random bits: half a plain hash of one tells nothing and can't be guessed.
_DIGEST = 16


class LoginBook:
    """Device ids, ascending, and hashes of their passwords: 24 bytes a login of ours.

    A thread reads them anew when one has changed, and tells the embedded broker at the start. Where
    a device id has several logins (companies that entered the same one) each of their passwords is
    good. Modules of other protocols are fewer, and have a user name and topics each.
    """

    def __init__(self) -> None:
        self.loaded = False
        self._table = np.zeros(0, np.uint64), np.zeros((0, _DIGEST), np.uint8)
        self._others: dict[str, tuple[bytes, tuple[str, ...]]] = {}
        self._state: Any = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mqtt-logins", daemon=True)

    def __len__(self) -> int:
        return len(self._table[0]) + len(self._others)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def check(self, label: str, password: bytes) -> bool:
        """Whether a device has this password; label as printed, "" for none."""
        devices, digests = self._table
        wanted = np.uint64(int.from_bytes(device_id(label), "big")) if label else np.uint64(0)
        digest = _digest(password)
        first, last = np.searchsorted(devices, wanted), np.searchsorted(devices, wanted, "right")
        return any([hmac.compare_digest(bytes(digests[at]), digest) for at in range(first, last)])

    def topics(self, user: str, password: bytes) -> tuple[str, ...]:
        """What a module of another protocol may publish to; nothing with a wrong password."""
        digest, topics = self._others.get(user, (b"", ()))
        return topics if hmac.compare_digest(digest, _digest(password)) else ()

    def topics_now(self, user: str) -> tuple[str, ...]:
        """The same without a password, of a module that has logged in."""
        return self._others.get(user, (b"", ()))[1]

    def refresh(self) -> None:
        """Read the logins anew when one was given, changed, revoked or deleted."""
        state = MqttLogin.objects.aggregate(changed=Max("updated_at"), count=Count("pk"))
        if state == self._state:
            return
        devices, digests = [], []
        others: dict[str, tuple[bytes, tuple[str, ...]]] = {}
        for login in mqtt_logins_live():
            if login.topics:
                others[login.label] = _digest(login.password.encode()), login.topics
                continue
            devices.append(int.from_bytes(device_id(login.label), "big"))
            digests.append(_digest(login.password.encode()))
        order = np.argsort(np.array(devices, np.uint64), kind="stable")
        table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _DIGEST)
        self._table = np.array(devices, np.uint64)[order], table[order]
        self._others, self._state, self.loaded = others, state, True

    def _watch(self) -> None:
        told = False
        while True:
            try:
                self.refresh()
                # Its file may be older than the database, after a backup was restored.
                told = told or mqtt_logins_publish() or True
            except DatabaseError as error:
                logger.debug("MQTT logins could not be read, the known ones stay: %s", error)
                connection.close()
            if self._stop.wait(_SECONDS):
                break
        connection.close()


def _digest(password: bytes) -> bytes:
    return hashlib.sha256(password).digest()[:_DIGEST]
