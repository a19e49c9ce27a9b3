"""A device type of the kind `wmbus`: what it can't read is refused, not taken for nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.decoding import Arrival, CompiledType, compile_type
from meters.definition import read_definition

from .frames import KEY, OTHER_KEY, RECORDS, mode_5

_TYPE = """\
type: acme
version: 1
vendor: Acme
model: One
resource: cold_water
decode: {kind: wmbus}
readings:
  - register: volume
    reading_type: cold_water.volume.register
    match: {quantity: volume}
"""


@pytest.fixture(scope="module")
def compiled() -> CompiledType:
    return compile_type(read_definition(_TYPE, name="acme"))


def _arrival(key: bytes | None) -> Arrival:
    return Arrival(keys={"encryption": key} if key else {}, memory={})


def test_with_its_key(compiled: CompiledType) -> None:
    decoded = compiled.decode(mode_5(RECORDS), context=_arrival(KEY))
    volume = decoded.telegram.items[0]
    assert (volume.value, len(decoded.readings)) == (Decimal("28504.27"), 1)


@pytest.mark.parametrize(
    ("key", "reason"), [(None, "no key is given"), (OTHER_KEY, "the key does not fit")]
)
def test_without_its_key(compiled: CompiledType, key: bytes | None, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        compiled.decode(mode_5(RECORDS), context=_arrival(key))


def test_whose_it_is_needs_no_key(compiled: CompiledType) -> None:
    identity = compiled.identify(mode_5(RECORDS), context=_arrival(None))
    assert identity is not None
    assert "12345678" in identity.value
