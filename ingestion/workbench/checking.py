"""A text and a telegram → what is wrong, what is decoded, and how the type's own tests went."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from ingestion.decoding import CompiledType, TestResult, compile_type, publishing_faults, run_tests
from ingestion.inspection import recognise
from meters.definition import DefinitionError, Problem, read_definition

from .cases import bad_case, good_case
from .samples import Sample, sample_unpacked
from .showing import decoded_shown, octets_shown, telegram_shown, test_shown

__all__ = ["checked", "run_tests_within"]

# Seconds for the tests of a type while somebody writes it; publishing runs all it has time for.
_FOR_TESTS = 2.0
# A telegram that takes longer is not decoded again and again, to find a piece of it that is refused.
_FOR_CASES = 0.5
_MOST_IN_CASE = 500


def checked(text: str, sample: Sample | None) -> dict[str, Any]:
    """All that the page shows, as plain values; nothing is stored."""
    try:
        compiled = compile_type(read_definition(text, name="definition"))
    except DefinitionError as error:
        found: dict[str, Any] = {"problems": [_problem(one) for one in error.problems]}
        return found | ({"sample": _bare(sample)} if sample else {})
    results, left = run_tests_within(compiled, _FOR_TESTS)
    found = {
        "problems": [],
        "kind": compiled.definition.decode.kind,
        "tests": [test_shown(result) for result in results],
        "tests_left": left,
        "faults": publishing_faults(results) if not left else [],
    }
    return found | ({"sample": _decoded(compiled, sample)} if sample else {})


def _problem(problem: Problem) -> dict[str, Any]:
    message = problem.message
    if problem.nearest and problem.nearest not in message:
        message += " " + _("Did you mean “%(near)s”?") % {"near": problem.nearest}
    place = {"line": problem.mark.line, "column": problem.mark.column}
    return {**place, "key": problem.key, "message": message}


def run_tests_within(compiled: CompiledType, seconds: float) -> tuple[list[TestResult], int]:
    """The results there was time for, and how many tests are left."""
    tests = compiled.definition.tests
    until = time.monotonic() + seconds
    results: list[TestResult] = []
    for number, test in enumerate(tests, 1):
        if time.monotonic() > until:
            return results, len(tests) - len(results)
        named = replace(test, name=test.name or _("test %(number)d") % {"number": number})
        results += run_tests(
            replace(compiled, definition=replace(compiled.definition, tests=(named,)))
        )
    return results, 0


def _bare(sample: Sample) -> dict[str, Any]:
    """What the bytes say by themselves, while the definition has faults."""
    keys = sample.arrival.keys
    try:
        found = recognise(
            sample.octets,
            key=keys.get("encryption"),
            authentication_key=keys.get("authentication"),
        )
    except DecodeError as error:
        return {**octets_shown(sample.octets), "items": [], "bare": True, "error": _error(error)}
    return {**telegram_shown(found.telegram), "bare": True}


def _decoded(compiled: CompiledType, given: Sample) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        sample = sample_unpacked(given, compiled.definition.decode.kind)
    except DecodeError as error:
        nothing = {"items": [], "error": _error(error), "case": ""}
        return {**octets_shown(given.octets), **nothing}
    try:
        decoded = compiled.decode(sample.octets, context=sample.arrival)
    except DecodeError as error:
        refused = {"error": _error(error), "case": bad_case(compiled, sample, error.reason)}
        return {**_unrefused(compiled, sample), **refused}
    recognised = compiled.recognises(decoded.telegram, sample.arrival)
    shown = {**decoded_shown(decoded), "recognised": recognised}
    said = (
        len(decoded.readings) + len(decoded.events) + sum(len(one.values) for one in decoded.series)
    )
    if said > _MOST_IN_CASE or time.monotonic() - begun > _FOR_CASES:
        return {**shown, "case": "", "cut": ""}
    return {
        **shown,
        "case": good_case(compiled, sample, decoded),
        "cut": bad_case(compiled, sample),
    }


def _unrefused(compiled: CompiledType, sample: Sample) -> dict[str, Any]:
    """The items all the same, where the telegram was read and a rule refused it."""
    context = replace(sample.arrival, memory={})
    try:
        return telegram_shown(compiled.decoder(sample.octets, context))
    except DecodeError:
        return {**octets_shown(sample.octets), "items": []}


def _error(error: DecodeError) -> dict[str, Any]:
    return {"offset": error.offset, "reason": error.reason}
