"""Files of the Payload Schema language become definitions that pass their own vectors."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from ingestion.decoding import compile_type, run_tests
from meters.definition import DefinitionError, read_definition, wrap_payload_schema

_SHARED = settings.BASE_DIR.parent / "shared" / "vectors" / "payload_schema" / "devices"
_SCHEMAS = sorted(_SHARED.rglob("*.yaml"))

_SCHEMA = """\
# A comment that is not kept.
name: Acme Sensor
version: 3
endian: little
unheard_of: 1
fields:
  - {name: level, type: u8, div: 10}
  - name: code
    type: u8
    lookup: {0: 'no', 1: 'yes'}
test_vectors:
  - {name: one, payload: 1500, fPort: 2, source: invented, expected: {level: 2.1, code: 'no'}}
  - {name: digits, payload: 0101, expected: {level: 0.1, code: 'yes'}}
  - {name: without a payload, expected: {level: 1}}
"""


def test_a_schema_becomes_a_definition_with_tests() -> None:
    definition = read_definition(wrap_payload_schema(_SCHEMA), name="acme")
    assert (definition.type, definition.version, definition.vendor) == (
        "acme-sensor",
        3,
        "Acme Sensor",
    )
    assert [test.payload for test in definition.tests] == [("1500",), ("0101",)]
    assert definition.tests[0].port == 2
    results = run_tests(compile_type(definition))
    assert [result.differences for result in results] == [(), ()]


def test_what_would_be_read_as_something_else_stays_quoted() -> None:
    definition = read_definition(wrap_payload_schema(_SCHEMA), name="acme")
    lookup = definition.decode.layout["fields"][1]["lookup"]
    assert lookup == {0: "no", 1: "yes"}


@pytest.mark.parametrize("text", ["a: 1", "- 1", "fields", ""])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        wrap_payload_schema(text)


@pytest.mark.skipif(not _SCHEMAS, reason="the published schemas are not there")
def test_published_schemas_pass_their_own_vectors() -> None:
    failed, count = [], 0
    for path in _SCHEMAS[::4]:
        text = wrap_payload_schema(path.read_text(encoding="utf-8"), name=path.stem)
        for result in run_tests(read_definition(text, name=path.name)):
            count += 1
            if not result.passed:
                failed.append((Path(path).name, result.name, result.differences))
    assert count > 50
    assert failed == []
