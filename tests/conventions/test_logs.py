"""What fills no log, and what every log must tell."""

from __future__ import annotations

import logging


def test_beat_writes_no_line_for_every_task_and_tells_every_error() -> None:
    beat = logging.getLogger("celery.beat")
    assert not beat.isEnabledFor(logging.INFO), "a task is due every three seconds"
    assert beat.isEnabledFor(logging.ERROR) and beat.isEnabledFor(logging.WARNING)
    assert logging.getLogger("django_celery_beat.schedulers").isEnabledFor(logging.WARNING)
