"""Kept frames → work for the pipeline: who sent them, and whether they may count.

Frames that were refused before they were opened go through `authenticate` like any other: state,
source, key, tag and counter of now. Frames that were authentic when they came are only opened once
more, with whatever key their module had then; their counters are in the windows already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.sealing import open_frame
from ingestion.codecs.universal_frame import Key
from ingestion.codecs.universal_frames import read_headers
from ingestion.models import Reason
from ingestion.pipeline import Work, authenticate

from .kept import old_ciphers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from ingestion.pipeline import Known

    from .kept import KeptFrame

__all__ = ["judged_again", "opened_again"]


def judged_again(frames: Sequence[KeptFrame], known: Known) -> Work:
    """Frames that nobody could open when they came.

    A counter below the window is taken as well: the frame is authentic, so it can only be one that
    was stored already, and then it changes nothing (`Precedence.STORED`), or one that was not. It
    moves no window. A claim is answered when it comes, never afterwards.
    """
    work = authenticate(
        [frame.payload for frame in frames], [frame.source for frame in frames], known
    )
    opened = np.array(sorted(work.opened), np.int64)
    claims = opened[work.selector[opened] == Key.CLAIM]
    late = [
        frame
        for frame in opened.tolist()
        if work.reason_of(frame) is Reason.REPLAYED and work.selector[frame] != Key.CLAIM
    ]
    work.reason[late] = 0
    work.new = np.setdiff1d(work.new, claims)
    work.repeated = np.setdiff1d(work.repeated, claims)
    _take(work, late)
    work.reason[claims] = 0
    return work


def _take(work: Work, late: list[int]) -> None:
    """Each counter once."""
    known = {_counter_of(work, frame) for frame in work.new.tolist()}
    taken: list[int] = []
    again: list[int] = []
    for frame in late:
        counter = _counter_of(work, frame)
        (again if counter in known else taken).append(frame)
        known.add(counter)
    work.new = np.sort(np.concatenate([work.new, np.array(taken, np.int64)]))
    work.repeated = np.concatenate([work.repeated, np.array(again, np.int64)])


def _counter_of(work: Work, frame: int) -> tuple[int, int, int]:
    return int(work.row[frame]), int(work.selector[frame]), int(work.counter[frame])


def opened_again(frames: Sequence[KeptFrame], known: Known) -> Work:
    """Frames that were authentic. `new`: those that could be opened; no other is refused."""
    payloads = [frame.payload for frame in frames]
    headers = read_headers(payloads)
    modules = np.array([frame.module for frame in frames], np.int64)
    work = Work(
        payloads,
        [frame.source for frame in frames],
        known.devices.by_module(modules),
        headers.device,
        headers.key,
        headers.counter,
        np.zeros(len(frames), np.uint8),
    )
    ciphers = old_ciphers(set(modules[work.row >= 0].tolist()))
    for place in np.flatnonzero(work.row >= 0).tolist():
        keys = ciphers.get((int(modules[place]), int(headers.key[place])), ())
        if (text := _opened(payloads[place], keys)) is not None:
            work.opened[place] = text
    work.new = np.array(sorted(work.opened), np.int64)
    return work


def _opened(payload: bytes, ciphers: Sequence[AESGCM]) -> bytes | None:
    for cipher in reversed(ciphers):
        try:
            return open_frame(cipher, payload)
        except DecodeError:
            continue
    return None
