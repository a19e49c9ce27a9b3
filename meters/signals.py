"""What reaches upward from the measured data; sent once a batch, after its commit.

readings_loaded: `channels` (sorted int64 array of channel ids), `first_day` and `last_day` (dates,
local days of the company). A receiver that fails is logged and costs the batch nothing: what must
not be missed travels as a row (`meters.models.DirtyDay`), not as a signal.

events_loaded: `events` (ids of the rows of `meters.models.DeviceEvent` that are new), `first_at`
and `last_at` (when the earliest and the latest of their batch were received; None where the server
itself saw them).
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["events_loaded", "readings_loaded"]

readings_loaded = Signal()
events_loaded = Signal()
