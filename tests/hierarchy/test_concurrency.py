"""Many writers at once leave a valid tree: real threads, real connections, real commits."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Company
from hierarchy.errors import HierarchyError
from hierarchy.kinds import KINDS
from hierarchy.models import Node
from hierarchy.services import node_create, node_move, node_update
from tests.hierarchy.trees import Forest

THREADS = 8
WRITES = 200
_KINDS = KINDS["territory"]


class _Writer:
    """One thread's work: creates, moves and renames by chance, the same chance in every run."""

    def __init__(self, number: int, companies: list[Company]) -> None:
        self.random = random.Random(number)  # noqa: S311
        self.number = number
        self.companies = companies
        self.created: list[int] = []
        self.refused = 0

    def run(self) -> _Writer:
        try:
            for step in range(WRITES):
                try:
                    self._step(step)
                except HierarchyError:
                    self.refused += 1
        finally:
            connection.close()
        return self

    def _step(self, step: int) -> None:
        company = self.random.choice(self.companies)
        nodes = Node.objects.filter(company=company, system="territory")
        keys = list(nodes.order_by("pk").values_list("pk", flat=True))
        node = Node.objects.get(pk=self.random.choice(keys))
        wish = self.random.random()
        if wish < 0.6:
            kind = self.random.choice(_KINDS[_KINDS.index(node.kind) :])  # type: ignore[arg-type]
            name = f"{self.number}-{step}"
            parent = None if self.random.random() < 0.1 else node
            made = node_create(
                actor=None,
                company=company,
                system="territory",
                kind=kind,
                name=name,
                parent=parent,
            )
            self.created.append(made.pk)
        elif wish < 0.9:
            other = Node.objects.get(pk=self.random.choice(keys))
            node_move(actor=None, node=node, parent=other)
        else:
            node_update(actor=None, node=node, name=f"renamed {self.number}-{step}")


@pytest.mark.django_db(transaction=True)
def test_eight_threads_of_200_writes_leave_valid_trees() -> None:
    companies = [
        Company.objects.create(name=name, code=name.lower(), time_zone="UTC")
        for name in ("Left", "Right")
    ]
    forests = [Forest(company) for company in companies]
    roots = [forest.add("region", forest.company.name).pk for forest in forests]
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(_Writer(number, companies).run) for number in range(THREADS)]
        writers = [job.result() for job in jobs]
    for forest in forests:
        forest.assert_sound()
    created = {key for writer in writers for key in writer.created}
    assert len(created) == sum(len(writer.created) for writer in writers)
    assert set(Node.objects.values_list("pk", flat=True)) == created | set(roots)
    # The chance must not have turned everything into refusals.
    done = THREADS * WRITES - sum(writer.refused for writer in writers)
    assert done > THREADS * WRITES / 2
    assert len(created) > THREADS * WRITES / 3
    trees = list(Node.objects.filter(parent=None).values_list("tree_id", flat=True))
    assert len(trees) == len(set(trees))
