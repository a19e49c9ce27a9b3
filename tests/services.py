"""Pytest plugin: temporary PostgreSQL, Valkey and broker before Django reads its settings.

Loaded by `-p tests.services` (pyproject.toml), because settings are read before any conftest.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

_RUNNING: list[Any] = []
# What makes the database of each run of xdist that the workers copy.
_RUNS: dict[str, Any] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the services unless somebody gave addresses; workers of xdist inherit them."""
    if os.environ.get("DATABASE_URL"):
        return
    from config.embedded.services import start

    services = start(temporary=True)
    _RUNNING.append(services)
    os.environ.update(services.environment)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist is about to start; what the workers copy is made meanwhile."""
    from tests.template import template_begun

    run = node.workerinput["testrunuid"]
    if run not in _RUNS:
        _RUNS[run] = template_begun(run)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUNS:
        from tests.template import template_drop

        while _RUNS:
            run, maker = _RUNS.popitem()
            maker.kill()
            maker.wait()
            template_drop(run)
    while _RUNNING:
        _RUNNING.pop().stop()
