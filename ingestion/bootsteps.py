"""The listeners inside a Celery worker: `celery -A config worker -Q ingestion`."""

from __future__ import annotations

from typing import Any

from celery import bootsteps

__all__ = ["QUEUE", "CollectionStep"]

QUEUE = "ingestion"


class CollectionStep(bootsteps.StartStopStep):
    """Collects while the worker runs; only in a worker that consumes the queue `ingestion`.

    After the pool: its processes are forked before there is a thread or a socket of ours.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        worker.collection = None
        super().__init__(worker, **options)

    def include_if(self, worker: Any) -> bool:
        """Whether this worker was given the queue by name."""
        return QUEUE in (worker.app.amqp.queues._consume_from or ())

    def create(self, worker: Any) -> Any:
        # Models are there only now: Celery is configured before Django's apps are.
        from ingestion.collection import Collection

        worker.collection = Collection()
        return worker.collection

    def start(self, worker: Any) -> None:
        worker.collection.start()

    def stop(self, worker: Any) -> None:
        if worker.collection is not None:
            worker.collection.stop()
            worker.collection = None

    def terminate(self, worker: Any) -> None:
        self.stop(worker)
