"""Where an uploaded file waits until its import is confirmed, and a list of errors until it is
fetched: a folder that only the server reads, under names nobody can guess.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from import_export.tmp_storages import BaseStorage

from config.lib.crypto import CryptoError, decrypt, encrypt

__all__ = ["SealedUploadStorage", "UploadStorage"]

_NAME = re.compile(r"[0-9a-f]{32}")
_PURPOSE = "upload"


class UploadStorage(BaseStorage):
    """Storage of django-import-export. With several web machines the folder has to be shared."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.name: str = self.name or secrets.token_hex(16)

    def save(self, data: bytes) -> None:
        folder = Path(settings.IMPORT_FOLDER)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    def read(self) -> bytes:
        """Raises FileNotFoundError once the file was removed."""
        return self._path.read_bytes()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        if not _NAME.fullmatch(self.name):
            raise FileNotFoundError(self.name)
        return Path(settings.IMPORT_FOLDER, self.name)


class SealedUploadStorage(UploadStorage):
    """For files with secrets: what waits on the disk is encrypted with MASTER_KEY."""

    def save(self, data: bytes) -> None:
        super().save(encrypt(data, purpose=_PURPOSE))

    def read(self) -> bytes:
        """Raises FileNotFoundError for a file that was not sealed here, too."""
        try:
            return decrypt(super().read(), purpose=_PURPOSE)
        except CryptoError as error:
            raise FileNotFoundError(self.name) from error


def _sweep(folder: Path) -> None:
    """Remove what can't be confirmed any more."""
    oldest = time.time() - 2 * settings.IMPORT_CONFIRM_SECONDS
    for entry in os.scandir(folder):
        if _NAME.fullmatch(entry.name) and entry.stat().st_mtime < oldest:
            Path(entry.path).unlink(missing_ok=True)
