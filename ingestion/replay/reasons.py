"""Why frames that were tried again are still no data, in whole or in part."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ingestion.models import Reason
    from ingestion.pipeline import Known, Work
    from ingestion.quarantine import Place
    from ingestion.values import Collected

__all__ = ["reasons_still"]


def reasons_still(
    work: Work,
    order: NDArray[np.int64],
    collected: Collected,
    refused: Mapping[Reason, Mapping[int, str]],
    known: Known,
    place_of: Callable[[Any, int, Reason, Known], Place],
) -> dict[int, dict[Place, str]]:
    """Frame of `work` → where that is counted → the detail.

    order: frame of `work` at each place of the batch that was loaded; refused: by the loader, by
    such places; place_of: where a frame is counted for a reason.
    """
    found: dict[int, dict[Place, str]] = defaultdict(dict)
    for frame in np.flatnonzero(work.reason).tolist():
        reason = work.reason_of(frame)
        assert reason is not None
        found[frame][place_of(work, frame, reason, known)] = work.why(frame)
    for place, reasons in collected.refused.items():
        for reason, detail in reasons.items():
            frame = int(order[place])
            found[frame][place_of(work, frame, reason, known)] = detail
    for reason, texts in refused.items():
        for place, text in texts.items():
            frame = int(order[place])
            found[frame][place_of(work, frame, reason, known)] = text
    return found
