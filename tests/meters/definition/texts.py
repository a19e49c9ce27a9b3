"""Small definitions for tests: a valid one, and ways to change it."""

from __future__ import annotations

__all__ = ["VALID", "problems"]

from meters.definition import DefinitionError, Problem, read_definition

VALID = """\
type: acme-w1
version: 1
vendor: Acme
model: W1
resource: cold_water
decode:
  kind: binary
  endian: little
  fields:
    - {name: sent_at, type: u32, time: unix}
    - {name: status, type: u8}
    - {name: volume, type: u32, unit: L}
clock: $sent_at
readings:
  - {register: volume, reading_type: cold_water.volume.register, value: $volume}
events:
  - {field: $status, bits: {2: battery_low, 3: meter_fault}}
"""


def problems(text: str) -> list[Problem]:
    """What is wrong with a definition; empty: nothing."""
    try:
        read_definition(text, name="acme.yaml")
    except DefinitionError as error:
        return error.problems
    return []
