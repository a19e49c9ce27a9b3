"""Pytest plugin: temporary PostgreSQL, Valkey and broker before Django reads its settings.

Loaded by `-p tests.services` (pyproject.toml), because settings are read before any conftest.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

_RUNNING: list[Any] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the services unless somebody gave addresses; workers of xdist inherit them."""
    if os.environ.get("DATABASE_URL"):
        return
    from config.embedded.services import start

    services = start(temporary=True)
    _RUNNING.append(services)
    os.environ.update(services.environment)


def pytest_unconfigure(config: pytest.Config) -> None:
    while _RUNNING:
        _RUNNING.pop().stop()
