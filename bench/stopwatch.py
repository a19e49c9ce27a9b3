"""How long a request's statements take at the database, and the whole request."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from django.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.questions import Question

__all__ = ["Measured", "Stopwatch"]


class Measured(NamedTuple):
    """Milliseconds of one question, over all runs after the first."""

    question: str
    reader: str
    database: float  # median of the runs' sums over all statements
    database_max: float
    request: float  # median
    statements: int
    rows: int


class Stopwatch:
    """Asks as one signed-in reader."""

    def __init__(self, reader: str, user: Any, *, runs: int) -> None:
        self.reader, self.runs = reader, runs
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(user)
        self._spent: list[float] = []

    def ask(self, question: Question) -> Measured | None:
        """None for a page that this reader's list does not reach.

        Otherwise the answer must be a page; a refusal or an error is no measurement.
        """
        response = self._open(question)
        if question.may_lack and response.status_code in {302, 404}:
            return None
        if response.status_code != 200:
            raise RuntimeError(f"{question}: {response.status_code} for {self.reader}")
        database, request = [], []
        for _run in range(self.runs):
            self._spent = []
            begun = time.perf_counter()
            self._open(question)
            request.append(1000 * (time.perf_counter() - begun))
            database.append(1000 * sum(self._spent))
        return Measured(
            question.name,
            self.reader,
            median(database),
            max(database),
            median(request),
            len(self._spent),
            _rows(response),
        )

    def _open(self, question: Question) -> Any:
        with connection.execute_wrapper(self._timed):
            return self.client.get(question.url, question.params or None)

    def _timed(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self._spent.append(time.perf_counter() - begun)


def _rows(response: Any) -> int:
    """How many rows the answer is about."""
    if "cl" in (getattr(response, "context_data", None) or {}):
        return int(response.context_data["cl"].result_count)
    if response["Content-Type"].startswith("application/json"):
        answer = response.json()
        return len(answer.get("results", answer.get("nodes", ())))
    return 0
