"""Storing raw frames: one COPY, in the transaction that stores what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestion.models import FrameOutcome
from meters.wire import copy

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray

    from .batch import Frames, LoadBatch, LoadResult

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["frame_ids", "outcomes", "steps_for", "store_frames"]

_COLUMNS = "id, received_at, module_id, counter, transport, outcome, source, reason, payload"
# The sequence counts in steps of this size: a value stands for as many ids.
_IDS_AT_ONCE = 1024
# Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
_POSTGRES_EPOCH = 946_684_800_000_000
_REASON_LENGTH = 2_000
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nested loops from the frames given into one partition's primary key each; the bounds leave the
# other partitions out of the plan. Who sent a frame is only known once it was opened.
_UPDATE = """
UPDATE ingestion_raw_frame f SET outcome = s.outcome, reason = s.reason,
    module_id = CASE WHEN f.counter IS NULL AND s.module >= 0 THEN s.module ELSE f.module_id END,
    counter = coalesce(f.counter, nullif(s.counter, -1)),
    identity = coalesce(nullif(s.identity, ''), f.identity)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::smallint[],
    %s::text[], %s::text[]) s(id, received_at, module, counter, outcome, reason, identity)
WHERE f.id = s.id AND f.received_at = s.received_at AND f.received_at BETWEEN %s AND %s
"""


def steps_for(count: int) -> int:
    """How many values of the sequence that many frames take."""
    return -(-count // _IDS_AT_ONCE)


def frame_ids(first: list[int], count: int) -> NDArray[np.int64]:
    """Ids of that many frames, ascending, from the values of the sequence taken for them."""
    ids = np.array(first, np.int64)[:, None] + np.arange(_IDS_AT_ONCE)
    return np.asarray(ids.reshape(-1)[:count])


def outcomes(batch: LoadBatch, result: LoadResult) -> tuple[NDArray[np.uint8], list[str]]:
    """Outcome and reason of each frame, those whose values were refused with the loader's."""
    outcome = batch.frames.outcome.copy()
    reason = list(batch.frames.reason)
    refused = result.frame_reasons(batch)
    if not refused:
        return outcome, reason
    good = np.zeros(len(outcome), np.bool_)
    for codes, frame in (
        (result.refused, batch.readings.frame),
        (result.refused_registers, batch.registers.frame),
    ):
        good[frame[(codes == 0) & (frame >= 0)]] = True
    for index, text in refused.items():
        outcome[index] = FrameOutcome.PARTLY if good[index] else FrameOutcome.REFUSED
        reason[index] = "; ".join(filter(None, (reason[index], text)))
    return outcome, reason


def store_frames(
    run: Cursor,
    frames: Frames,
    ids: NDArray[np.int64],
    outcome: NDArray[np.uint8],
    reason: list[str],
) -> None:
    """Write the frames with these ids, outcomes and reasons; or only the latter two."""
    if frames.id is not None:
        _update(run, frames, frames.id, outcome, reason)
    elif len(frames):
        columns = f"{_COLUMNS}, identity" if frames.identity else _COLUMNS
        copy(run, f"ingestion_raw_frame ({columns})", [_rows(frames, ids, outcome, reason)])


def _update(
    run: Cursor,
    frames: Frames,
    ids: NDArray[np.int64],
    outcome: NDArray[np.uint8],
    reason: list[str],
) -> None:
    if not len(frames):
        return
    times = [_EPOCH + timedelta(microseconds=at) for at in frames.received_at.tolist()]
    reasons = [text[:_REASON_LENGTH].replace("\0", "\ufffd") for text in reason]
    columns = (ids.tolist(), times, frames.module.tolist(), frames.counter.tolist())
    identity = list(frames.identity) or [None] * len(reasons)
    run.execute(_UPDATE, (*columns, outcome.tolist(), reasons, identity, min(times), max(times)))


def _rows(
    frames: Frames, ids: NDArray[np.int64], outcome: NDArray[np.uint8], reason: list[str]
) -> bytes:
    source = [_text(text) for text in frames.source]
    reasons = [_text(text[:_REASON_LENGTH]) for text in reason]
    columns: list[Any] = [
        _heads(frames, ids, outcome, source),
        source,
        _lengths(reasons),
        reasons,
        _lengths(frames.payload),
        frames.payload,
    ]
    columns += [[_nullable(text) for text in frames.identity]] if frames.identity else []
    parts: list[Any] = [None] * (len(ids) * len(columns))
    for place, column in enumerate(columns):
        parts[place :: len(columns)] = column
    return b"".join(parts)


def _nullable(text: str | None) -> bytes:
    """A column with its length in front."""
    if text is None:
        return _NULL
    encoded = _text(text)
    return len(encoded).to_bytes(4, "big") + encoded


def _heads(
    frames: Frames, ids: NDArray[np.int64], outcome: NDArray[np.uint8], source: list[bytes]
) -> list[bytes]:
    """Everything before the text of the source; four shapes: without module, without counter."""
    heads: list[bytes] = [b""] * len(ids)
    length = np.fromiter(map(len, source), np.int64, len(source))
    shape = (frames.module >= 0) * 2 + (frames.counter >= 0)
    for number in np.unique(shape).tolist():
        chosen = np.flatnonzero(shape == number)
        row: NDArray[Any] = np.zeros(
            len(chosen), _head_type(has_module=number >= 2, has_counter=number % 2 == 1)
        )
        row["columns"] = 10 if frames.identity else 9
        for name in ("module", "counter"):
            row[f"{name}_length"] = -1
        values: dict[str, NDArray[Any]] = {
            "id": ids,
            "received_at": frames.received_at - _POSTGRES_EPOCH,
            "module": frames.module,
            "counter": frames.counter,
            "transport": frames.transport,
            "outcome": outcome,
        }
        for name in set(values) & set(row.dtype.names or ()):
            column: NDArray[Any] = values[name][chosen]
            row[f"{name}_length"] = row.dtype[name].itemsize
            row[name] = column
        row["source_length"] = length[chosen]
        for place, head in zip(chosen.tolist(), row.view(f"V{row.itemsize}").tolist(), strict=True):
            heads[place] = head
    return heads


def _head_type(*, has_module: bool, has_counter: bool) -> np.dtype[Any]:
    fields = [("columns", ">i2"), ("id_length", ">i4"), ("id", ">i8")]
    fields += [("received_at_length", ">i4"), ("received_at", ">i8"), ("module_length", ">i4")]
    fields += [("module", ">i8")] if has_module else []
    fields += [("counter_length", ">i4")]
    fields += [("counter", ">i8")] if has_counter else []
    fields += [("transport_length", ">i4"), ("transport", ">i2")]
    fields += [("outcome_length", ">i4"), ("outcome", ">i2"), ("source_length", ">i4")]
    return np.dtype(fields)


def _lengths(texts: Any) -> list[bytes]:
    lengths = np.fromiter(map(len, texts), ">i4", len(texts))
    return list(lengths.view("V4").tolist())


def _text(text: str) -> bytes:
    # PostgreSQL keeps no NUL in a text; a lone surrogate is no character of UTF-8.
    return text.replace("\0", "\ufffd").encode("utf-8", "replace")
