"""What fills no log, and what every log must tell."""

from __future__ import annotations

import logging

import pytest


@pytest.mark.parametrize("name", ["celery.worker.strategy", "celery.app.trace"])
def test_a_worker_writes_no_line_for_every_task_and_tells_every_failure(name: str) -> None:
    logger = logging.getLogger(name)
    assert not logger.isEnabledFor(logging.INFO), "a task comes and ends every three seconds"
    assert logger.isEnabledFor(logging.ERROR) and logger.isEnabledFor(logging.WARNING)


def test_beat_writes_no_line_for_every_task_and_tells_every_error() -> None:
    beat = logging.getLogger("celery.beat")
    assert not beat.isEnabledFor(logging.INFO), "a task is due every three seconds"
    assert beat.isEnabledFor(logging.ERROR) and beat.isEnabledFor(logging.WARNING)
    assert logging.getLogger("django_celery_beat.schedulers").isEnabledFor(logging.WARNING)
