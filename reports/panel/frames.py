"""Raw frames opened for people: found, decrypted with the module's key, explained byte by byte.

Keys are read through `ingestion.keys` and leave this module only as plaintext of a frame that the
reader may see.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.lib.crypto import CryptoError
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.universal_explain import Section, explain
from ingestion.codecs.universal_frame import Header, Key, read_header
from ingestion.keys import key_open
from ingestion.models import Claim, ModuleKey, RawFrame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from django.db.models import QuerySet

    from meters.models import TelemetryModule

__all__ = ["Keyring", "frame_find", "frame_sections", "frames_of"]


class Keyring:
    """Ciphers of modules, each key read once; retired ones too, for frames of their time."""

    def __init__(self, modules: Iterable[int]) -> None:
        self._ciphers: dict[tuple[int, int], list[AESGCM]] = {}
        asked = sorted(set(modules))
        for row in ModuleKey.objects.filter(module__in=asked).order_by("-valid_from"):
            self._add(row.module_id, row.selector, bytes(row.sealed))
        for claim in Claim.objects.filter(module__in=asked):
            self._add(claim.module_id, Key.CLAIM, bytes(claim.sealed))

    def _add(self, module: int, selector: int, sealed: bytes) -> None:
        try:
            key = key_open(sealed, module_id=module, selector=selector)
        except CryptoError:
            # Stored under another MASTER_KEY: the frame stays closed, the page says so.
            return
        self._ciphers.setdefault((module, selector), []).append(AESGCM(key))

    def open(self, frame: RawFrame) -> bytes | None:
        """The plaintext; None when the frame is none of the protocol or no key fits."""
        payload = bytes(frame.payload)
        try:
            header = read_header(payload)
        except DecodeError:
            return None
        return next(self._opened(frame, header, payload), None)

    def _opened(self, frame: RawFrame, header: Header, payload: bytes) -> Iterator[bytes]:
        for cipher in self._ciphers.get((frame.module_id or 0, header.key), ()):
            try:
                yield open_frame(cipher, payload)
            except DecodeError:
                continue


def frames_of(user: Any, module: TelemetryModule) -> QuerySet[RawFrame]:
    """The module's frames, newest first."""
    rows = RawFrame.objects.visible_to(user).filter(module=module)
    return rows.order_by("-received_at", "-id")


def frame_find(
    user: Any, module: TelemetryModule, key: int | None, day: date | None
) -> RawFrame | None:
    """A frame of the module by its number; day: UTC day of receipt, which spares looking further."""
    if key is None:
        return None
    rows = RawFrame.objects.visible_to(user).filter(module=module, id=key)
    if day is not None:
        begin = datetime.combine(day, time(), UTC)
        rows = rows.filter(received_at__gte=begin, received_at__lt=begin + timedelta(days=1))
    return rows.first()


def frame_sections(frame: RawFrame, plaintext: bytes | None) -> list[Section]:
    """What each byte says; nothing when the bytes are no frame of the universal protocol."""
    try:
        return explain(bytes(frame.payload), plaintext)
    except DecodeError:
        return []
