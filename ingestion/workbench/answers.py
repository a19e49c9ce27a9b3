"""Questions that the page of the workbench asks while somebody works on it; answers are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.http import JsonResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from ingestion.codecs.binary.checksums import CHECKSUMS
from ingestion.codecs.binary.keys import BLOCKS, FIELD, MESSAGE
from ingestion.models import FrameOutcome, RawFrame
from ingestion.selectors import FrameQuestion, TooMuchAsked, device_of, raw_frames
from meters.definition import offers_at
from meters.definition.errors import Path
from meters.definition.vocabulary import shipped_vocabulary

from .access import require_reader, version_of, zone_of
from .captures import LARGEST_CAPTURE, captured_frames
from .checking import checked
from .limits import HINTS, LARGEST_REQUEST, QUESTIONS, Limit, one_at_a_time, seconds_to_wait
from .samples import SampleError, sample_of

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["capture_answer", "check_answer", "frames_answer", "words_answer"]

# Keys of a binary layout whose values are words.
_LAYOUT_WORDS: Mapping[str, tuple[str, ...]] = {
    "endian": ("big", "little"),
    "on_error": ("refuse", "warn"),
    "time": ("unix", "{epoch: 2020-01-01}", "{epoch: 2000-01-01, unit: min}"),
    "type": (
        *("u8", "u16", "u24", "u32", "u64", "s8", "s16", "s24", "s32", "s64", "f32", "f64"),
        *("bool", "bcd", "ascii", "hex", "enum", "skip", "number", '"u8[0:3]"', '"u8[4:7]"'),
    ),
}
_MOST_FRAMES = 50
_LONGEST_FRAME = 16_384
_DAYS = 30


def check_answer(request: HttpRequest, pk: int) -> JsonResponse:
    """What is wrong with a text, what a telegram says by it, how its tests go. Writes nothing."""
    version = version_of(_user(request), pk)
    asked = _asked(request, QUESTIONS)
    if isinstance(asked, JsonResponse):
        return asked
    try:
        sample, fault = sample_of(asked, zone=zone_of(version.device_type.company)), ""
    except SampleError as error:
        sample, fault = None, str(error)
    text = asked.get("definition")
    with one_at_a_time(_user(request)) as free:
        if not free:
            return _too_often(1)
        answer = checked(text if isinstance(text, str) else "", sample)
    return JsonResponse(answer | ({"sample_fault": fault} if fault else {}))


def words_answer(request: HttpRequest) -> JsonResponse:
    """What may stand at the end of a text that is being written: keys, or words of a value."""
    require_reader(_user(request))
    asked = _asked(request, HINTS)
    if isinstance(asked, JsonResponse):
        return asked
    text = asked.get("before")
    lines = (text if isinstance(text, str) else "").split("\n")
    offers = offers_at("\n".join(lines), len(lines), len(lines[-1]) + 1, shipped_vocabulary())
    keys, words = list(offers.keys), list(offers.words)
    if offers.path[:1] == ("decode",) and _is_binary(lines):
        keys = list(_layout_keys(offers.path).items()) if keys else []
        words = words or list(_layout_words(offers.path))
    return JsonResponse(
        {
            "keys": [{"word": word, "doc": doc} for word, doc in keys],
            "words": [{"word": word, "doc": ""} for word in words],
        }
    )


def _is_binary(lines: list[str]) -> bool:
    """Whether the layout that is being written is one of bytes, as far as it says so yet."""
    said = [line.partition("kind:")[2].strip() for line in lines if "kind:" in line]
    return not said or said[0].startswith("binary")


def _layout_keys(path: Path) -> Mapping[str, str]:
    """The keys of the part of a layout that a path leads to."""
    if path == ("decode",):
        return MESSAGE
    block = next((step for step in reversed(path[-2:]) if step in BLOCKS), None)
    return FIELD if block is None else BLOCKS[str(block)]


def _layout_words(path: Path) -> tuple[str, ...]:
    """What the value at a path may be, where that is a list of names."""
    if path[-1] == "checksum" or path[-2:] == ("checksum", "type"):
        return CHECKSUMS
    return _LAYOUT_WORDS.get(str(path[-1]), ())


def frames_answer(request: HttpRequest) -> JsonResponse:
    """Frames that were not stored and whose devices the user may see, the newest first."""
    user = _user(request)
    require_reader(user)
    if wait := seconds_to_wait(user, QUESTIONS):
        return _too_often(wait)
    now = datetime.now(UTC)
    question = FrameQuestion(
        first=now - timedelta(days=_DAYS),
        end=now + timedelta(days=1),
        outcome=FrameOutcome.QUARANTINED,
    )
    try:
        rows = raw_frames(user=user, question=question, limit=_MOST_FRAMES)
    except TooMuchAsked:
        return _refused(_("The frames can't be listed now. Try again in a minute."), 503)
    return JsonResponse({"frames": [_frame(row) for row in rows]})


def capture_answer(request: HttpRequest) -> JsonResponse:
    """The frames of a file that was dropped. Writes nothing."""
    user = _user(request)
    require_reader(user)
    if wait := seconds_to_wait(user, QUESTIONS):
        return _too_often(wait)
    upload = request.FILES.get("file")
    if upload is None:
        return _refused(_("Choose a file."), 400)
    if (upload.size or 0) > LARGEST_CAPTURE:
        return _refused(_("The file is larger than 4 MB; cut the capture to a few frames."), 413)
    try:
        frames = captured_frames(upload.read())
    except SampleError as error:
        return _refused(str(error), 422)
    rows = [{"label": one.origin, "hex": one.octets.hex()} for one in frames]
    return JsonResponse({"frames": rows})


def _user(request: HttpRequest) -> Any:
    return request.user


def _asked(request: HttpRequest, limit: Limit) -> dict[str, Any] | JsonResponse:
    """The body of a question, or the refusal of it."""
    if wait := seconds_to_wait(_user(request), limit):
        return _too_often(wait)
    if len(request.body) > LARGEST_REQUEST:
        return _refused(_("This is too much to be checked at once."), 413)
    try:
        asked = json.loads(request.body)
        _check_letters(asked)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        return _refused(_("The question can't be read."), 400)
    return asked


def _check_letters(asked: Any) -> None:
    """ValueError for halves of letters, which JSON can write and nothing else can."""
    for value in asked.values() if isinstance(asked, dict) else ():
        if isinstance(value, str):
            value.encode()


def _refused(text: str, status: int) -> JsonResponse:
    return JsonResponse({"refused": text}, status=status)


def _too_often(wait: int) -> JsonResponse:
    text = _("Too many questions at once; it goes on by itself soon.")
    answer = JsonResponse({"refused": text, "wait": wait}, status=429)
    answer["Retry-After"] = str(wait)
    return answer


def _frame(row: RawFrame) -> dict[str, Any]:
    payload = bytes(row.payload)
    whose = str(row.module) if row.module_id else device_of(row) or row.source
    at = date_format(localtime(row.received_at), "SHORT_DATETIME_FORMAT")
    size = _("%(count)d bytes") % {"count": len(payload)}
    return {
        "label": f"{at} · {whose} · {size}",
        "why": row.reason,
        "hex": payload.hex() if len(payload) <= _LONGEST_FRAME else "",
    }
