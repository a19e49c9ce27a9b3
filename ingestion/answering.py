"""Answering a batch that is committed while the next one is being stored.

Sealing answers takes about as long as opening frames, and needs no database. A thread of its own
makes the answers of one batch at a time and hands them to the transport.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from django.db import connection

from ingestion.answers import Answers

if TYPE_CHECKING:
    from ingestion.downlink import Downlink
    from ingestion.pipeline import Known, Work
    from ingestion.transports.intake import Batch, Intake

__all__ = ["Answerer"]

logger = logging.getLogger(__name__)


class Answerer:
    """Made by the engine when it has taken up its work, closed when it lets go of it."""

    def __init__(self, known: Known, intake: Intake, downlink: Downlink | None = None) -> None:
        self._known = known
        self._intake = intake
        self._answers = Answers(downlink)
        self._answers.begin()
        self._task: tuple[Batch, Work] | None = None
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="answerer", daemon=True)
        self._thread.start()

    def answer(self, batch: Batch, work: Work) -> None:
        """Answer a batch whose transaction has committed; waits for the one before."""
        with self._changed:
            self._changed.wait_for(lambda: self._task is None)
            self._task = (batch, work)
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until everything handed over is answered."""
        with self._changed:
            self._changed.wait_for(lambda: self._task is None)

    def close(self) -> None:
        self.settle()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._answer(*task)
            except Exception:
                # It is stored: the devices send again and are then told so.
                logger.exception("a batch that is stored could not be answered")
                connection.close()
            with self._changed:
                self._task = None
                self._changed.notify_all()
        connection.close()

    def _next(self) -> tuple[Batch, Work] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._task is not None or self._ended)
            return self._task

    def _answer(self, batch: Batch, work: Work) -> None:
        try:
            answers = self._answers.make(work, self._known)
            batch.transport.acknowledge(batch.arrivals, answers)
            self._answers.left()
        finally:
            self._intake.done(batch)
