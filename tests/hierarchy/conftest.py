"""A company with empty forests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounts.models import Company

if TYPE_CHECKING:
    from tests.hierarchy.trees import Forest


@pytest.fixture
def company(db: None) -> Company:
    return Company.objects.create(name="Rivertown", code="rivertown", time_zone="Europe/Kyiv")


@pytest.fixture
def forest(company: Company) -> Forest:
    """The company's territory."""
    from tests.hierarchy.trees import Forest

    return Forest(company)
