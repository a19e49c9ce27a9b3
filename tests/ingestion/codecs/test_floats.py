"""Binary floats as the shortest decimal that reads back as the same float."""

from __future__ import annotations

import struct
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.floats import float_decimal

_FORMS = {2: ">e", 4: ">f", 8: ">d"}


@pytest.mark.parametrize(
    ("octets", "number"),
    [
        ("3dcccccd", "0.1"),
        ("4366199a", "230.1"),
        ("42f6e979", "123.456"),
        ("3fb999999999999a", "0.1"),
        ("3555", "0.3333"),
        ("0008", "5E-7"),
        ("80000000", "-0"),
        ("7f7fffff", "3.4028235E+38"),
        ("00000001", "1E-45"),
    ],
)
def test_what_was_meant(octets: str, number: str) -> None:
    assert float_decimal(bytes.fromhex(octets)) == Decimal(number)


@pytest.mark.parametrize("octets", ["7fc00000", "7f800000", "ff800000", "7c00", "7ff8000000000000"])
def test_no_number_gives_none(octets: str) -> None:
    assert float_decimal(bytes.fromhex(octets)) is None


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([2, 4, 8]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
def test_it_is_the_shortest_and_reads_back(octets: bytes) -> None:
    number = float_decimal(octets)
    value = np.frombuffer(octets, f">f{len(octets)}")[0]
    if number is None:
        assert not np.isfinite(value)
    else:
        assert struct.pack(_FORMS[len(octets)], float(number)) == octets
        shortest = Decimal(str(value))
        assert len(number.normalize().as_tuple().digits) <= len(
            shortest.normalize().as_tuple().digits
        )
