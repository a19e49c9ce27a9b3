"""Reading what came in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import BinaryField, F, Func, Q, Value

from ingestion.codecs.universal_frame import device_id, device_label
from ingestion.foreign.messages import UNRECOGNISED
from ingestion.models import FrameOutcome, RawFrame
from meters.models import TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

__all__ = [
    "FrameQuestion",
    "TooMuchAsked",
    "device_of",
    "raw_frame",
    "raw_frames",
]

_SECONDS = 5
_HEADER_BYTES = 13


class TooMuchAsked(Exception):
    """The database did not answer in time; a shorter period or one module would be found."""


class FrameQuestion(NamedTuple):
    """Which raw frames; before: (time of receipt, id) of the last one seen, newest first."""

    first: datetime
    end: datetime
    module: int | None = None
    device: str = ""
    outcome: int | None = None
    before: tuple[datetime, int] | None = None


def raw_frames(*, user: Any, question: FrameQuestion, limit: int) -> list[RawFrame]:
    """Frames that the user may see, newest first, without their bytes.

    Those stored as data are only listed of one module: there are millions, and no index by time.
    Raises TooMuchAsked.
    """
    seen: QuerySet[RawFrame] = RawFrame.objects.visible_to(user).filter(_condition(question))
    rows = seen.filter(received_at__gte=question.first, received_at__lt=question.end)
    if question.device:
        rows = _of_device(rows, question)
    rows = rows.select_related("module__company").order_by("-received_at", "-id")
    with _in_time():
        return list(rows[:limit])


def _condition(question: FrameQuestion) -> Q:
    wanted = Q()
    if question.module is not None:
        wanted &= Q(module=question.module)
    elif question.outcome is None or not question.device:
        wanted &= ~Q(outcome=FrameOutcome.STORED)
    if question.outcome is not None:
        wanted &= Q(outcome=question.outcome)
    if question.before is not None:
        at, number = question.before
        wanted &= Q(received_at__lt=at) | Q(received_at=at, id__lt=number)
    return wanted


def _of_device(rows: QuerySet[RawFrame], question: FrameQuestion) -> QuerySet[RawFrame]:
    """By the bytes of the header, as `ingestion_raw_frame_device` indexes those not stored."""
    try:
        device = device_id(question.device)
    except ValueError:
        # Of a foreign protocol: indexed by identity where it is not stored as data.
        named = "" if question.device == UNRECOGNISED else question.device
        return rows.filter(identity=named)
    if question.outcome == FrameOutcome.STORED:
        modules = TelemetryModule.objects.filter(address__iexact=question.device)
        return rows.filter(module__in=list(modules.values_list("pk", flat=True)[:100]))
    part = Func(F("payload"), Value(2), Value(8), function="substring", output_field=BinaryField())
    return rows.annotate(device_bytes=part).filter(device_bytes=device)


def raw_frame(*, user: Any, at: datetime, number: int) -> RawFrame | None:
    """One frame with its bytes."""
    rows = RawFrame.objects.visible_to(user).select_related("module__company")
    return rows.filter(id=number, received_at=at).first()


def device_of(frame: RawFrame) -> str:
    """The device id in the header, as printed, or who sent a foreign message; "" where neither is."""
    if frame.identity is not None:
        return frame.identity or UNRECOGNISED
    payload = bytes(frame.payload)
    if len(payload) < _HEADER_BYTES or not payload[1:4].isalpha() or not payload[1:4].isascii():
        return ""
    return device_label(payload[1:9])


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{_SECONDS}s"])
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":
            raise
        raise TooMuchAsked from error
