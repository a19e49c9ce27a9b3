"""A type's own tests: telegrams with what must come of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from meters.definition.model import Definition, Test

from .comparing import differences_of
from .compiling import CompiledType, compile_type
from .decoded import Arrival, Decoded
from .kinds import TEXT_KINDS

__all__ = ["TestResult", "arrival_of", "publishing_faults", "run_tests", "telegrams_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of one test. good: it expects values; else it expects a refusal.

    expected: what the test says. got: values by name, or the reason of the refusal under "refused".
    differences: sentences, empty where the test passed. warnings: what was odd.
    """

    # Not a test of pytest's.
    __test__ = False

    name: str
    good: bool
    passed: bool
    expected: Mapping[str, Any]
    got: Mapping[str, Any]
    differences: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def run_tests(subject: Definition | CompiledType) -> list[TestResult]:
    """Every test of a type, in its order. DefinitionError where the definition can't be compiled."""
    compiled = subject if isinstance(subject, CompiledType) else compile_type(subject)
    tests = compiled.definition.tests
    return [_result(compiled, test, number) for number, test in enumerate(tests, 1)]


def publishing_faults(results: Sequence[TestResult]) -> list[str]:
    """Why a type with these results can't be published; empty: it can."""
    faults = [
        _("The test “%(name)s” fails.") % {"name": result.name}
        for result in results
        if not result.passed
    ]
    if not any(result.good for result in results):
        faults.append(_("There is no test with a telegram that must be read."))
    if all(result.good for result in results):
        faults.append(_("There is no test with a telegram that must be refused."))
    return faults


def _result(compiled: CompiledType, test: Test, number: int) -> TestResult:
    name = test.name or _("test %(number)d") % {"number": number}
    try:
        arrival = arrival_of(test)
        decoded = _decoded(compiled, test, arrival)
    except (DecodeError, _Unreadable) as error:
        return _refusal(test, name, str(error))
    differences = tuple(differences_of(compiled, test, decoded, arrival))
    if test.refused:
        differences = (_("It was read, and must be refused."),)
    return TestResult(
        name=name,
        good=not test.refused,
        passed=not differences,
        expected=_expected(test),
        got={item.name: item.value for item in decoded.telegram.items},
        differences=differences,
        warnings=decoded.warnings,
    )


def _refusal(test: Test, name: str, reason: str) -> TestResult:
    wanted = bool(test.refused) and test.refused.casefold() in reason.casefold()
    if test.refused:
        difference = _("It was refused for another reason: %(reason)s") % {"reason": reason}
    else:
        difference = _("It was refused: %(reason)s") % {"reason": reason}
    return TestResult(
        name=name,
        good=not test.refused,
        passed=wanted,
        expected=_expected(test),
        got={"refused": reason},
        differences=() if wanted else (difference,),
    )


def _expected(test: Test) -> dict[str, Any]:
    wanted = {
        "refused": test.refused,
        "identity": test.identity,
        "readings": test.readings,
        "series": test.series,
        "events": test.events,
    }
    given = {key: value for key, value in wanted.items() if value not in (None, "")}
    return {**test.expect, **given}


def _decoded(compiled: CompiledType, test: Test, arrival: Arrival) -> Decoded:
    """What the last telegram says; the device's memory goes from one to the next."""
    *before, last = telegrams_of(test, compiled.definition.decode.kind)
    for payload in before:
        compiled.decode(payload, context=arrival)
    return compiled.decode(last, context=arrival)


class _Unreadable(ValueError):
    """A payload or a key that is not written as its encoding says."""


def telegrams_of(test: Test, kind: str) -> list[bytes]:
    """The telegrams of a test as bytes."""
    encoding = test.encoding or ("text" if kind in TEXT_KINDS else "hex")
    return [_octets(text, encoding) for text in test.payload]


def _octets(text: str, encoding: str) -> bytes:
    try:
        if encoding == "text":
            return text.encode()
        if encoding == "base64":
            return base64.b64decode("".join(text.split()), validate=True)
        return bytes.fromhex(text)
    except (ValueError, binascii.Error) as error:
        raise _Unreadable(_("The payload is not %(encoding)s.") % {"encoding": encoding}) from error


def arrival_of(test: Test) -> Arrival:
    """How the telegrams of a test came."""
    keys = {"encryption": test.key, "authentication": test.authentication_key}
    return Arrival(
        transport=test.transport,
        topic=test.topic,
        port=test.port,
        source=test.address,
        device=test.device,
        keys={name: _octets(key, "hex") for name, key in keys.items() if key},
        received_at=_instant(test.received_at),
        config=test.config,
        memory={},
    )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise _Unreadable(_("“%(text)s” is no time.") % {"text": text}) from error
