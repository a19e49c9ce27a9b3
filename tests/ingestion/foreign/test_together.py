"""Messages read together say what each of them says by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.codecs.binary import compile_schema
from ingestion.codecs.binary.shapes import shape_of
from ingestion.codecs.errors import DecodeError
from ingestion.decoding import Arrival, compile_type
from ingestion.decoding.lanes import Lane, compile_lane
from ingestion.decoding.testing import arrival_of, telegrams_of
from ingestion.foreign import work as working
from ingestion.foreign.columns import Said, columns_of, columns_same
from ingestion.foreign.devices import Foreign, ForeignDevice
from ingestion.foreign.lane_columns import Spoke
from ingestion.foreign.messages import Message, normal
from ingestion.foreign.types import ForeignTypes, type_made
from ingestion.foreign.work import resolved, work_of
from ingestion.inspection.types import TYPES_FOLDER, compiled_type
from ingestion.models import Transport
from ingestion.pipeline import Known
from ingestion.registry import Companies, Devices, Flag
from ingestion.routing import ModuleChannels, Routes
from meters.definition import read_definition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.decoding import CompiledType

_AT = 1_767_260_000
_ZONE = "Europe/Kyiv"
_INSTALLED = {"zone": _ZONE, "pulse_weight": 10, "pulse_unit": "L", "sampling_period": 3_600}
# A type as an engineer writes one: a checksum, digits, a sentinel, a factor, a case of two.
_BROOK = """\
type: brook
version: 1
vendor: Brook
model: WM-200
resource: cold_water
identify: {transport: udp, device: $imei, scheme: imei}
decode:
  kind: binary
  endian: little
  checksum: {type: sum8, over: [0, -1], at: -1, on_error: refuse}
  fields:
    - {name: mark, type: u8, const: 0x57}
    - {name: imei, type: bcd, length: 8, endian: big}
    - {name: form, type: u8}
    - {name: sent_at, type: u32, time: {epoch: 2020-01-01}}
    - match: $form
      cases:
        1:
          - {name: register, type: u32, div: 8, unit: L}
          - {name: deltas, type: u8, repeat: until_last, tail: 2, mult: 3, sentinel: 255, unit: L}
        2:
          - {name: temperature, type: s16, div: 100, add: -5, unit: "°C"}
          - {name: turned, type: s24, unit: L}
          - {type: skip, length: remaining, name: rest}
    - {name: state, type: u8, if: $form == 1}
    - {name: checksum, type: skip, length: 1, if: $form == 1}
clock: $sent_at
readings:
  - {register: volume, reading_type: cold_water.volume.register, value: $turned, mul: 1.5, add: 2}
  - {register: water, reading_type: cold_water.temperature, value: $temperature, port: 3}
series:
  - {register: volume, reading_type: cold_water.volume.register, deltas: $deltas, base: $register, at: $sent_at, floor: 1h, step: 1h, direction: backward, missing: [9]}
events:
  - {field: $state, bits: {0: leak, 3: burst}}
  - {field: $state, mask: 0xF0, values: {0x10: battery_low, 0x20: dry}, port: 2}
tests:
  - {name: none, payload: '00', refused: bytes}
"""


class _Case(NamedTuple):
    """A lane with the message that showed it, and its port."""

    lane: Lane
    payload: bytes
    port: int | None


def _brook(form: int, body: bytes) -> bytes:
    whole = b"\x57" + bytes.fromhex("0866203010123456") + bytes([form])
    whole += (_AT - 1_577_836_800).to_bytes(4, "little") + body
    return whole + bytes([sum(whole) & 0xFF])


_BROOKS = (
    _brook(1, (80_001).to_bytes(4, "little") + bytes([5, 9, 255, 0, 7, 254]) + b"\x19"),
    _brook(2, (-1_234).to_bytes(2, "little", signed=True) + b"\x01\x02\xff" + bytes(2)),
)


def _cases(compiled: CompiledType, payloads: Iterator[tuple[bytes, int | None]]) -> list[_Case]:
    layout = compiled.definition.decode.layout
    decoder = compile_schema({key: value for key, value in layout.items() if key != "strict"})
    found = []
    for payload, port in payloads:
        shape = shape_of(decoder, payload, port)
        lane = compile_lane(compiled, shape) if shape is not None else None
        if lane is not None:
            found.append(_Case(lane, payload, port))
    return found


def _shipped() -> dict[str, list[_Case]]:
    """Every shipped binary type that has a lane."""
    found = {}
    for path in sorted(TYPES_FOLDER.glob("*.yaml")):
        if "kind: binary" not in path.read_text(encoding="utf-8"):
            continue
        compiled = compiled_type(path.stem)
        tests = [test for test in compiled.definition.tests if not test.refused]
        payloads = (
            (payload, arrival_of(test).port)
            for test in tests
            for payload in telegrams_of(test, "binary")
        )
        if cases := _cases(compiled, payloads):
            found[path.stem] = cases
    made = compile_type(read_definition(_BROOK, name="brook"))
    found["brook"] = _cases(made, ((payload, None) for payload in _BROOKS))
    return found


_LANES = _shipped()
_EACH = [(name, place) for name, cases in _LANES.items() for place in range(len(cases))]


def test_the_types_that_have_a_lane() -> None:
    assert {"dragino_sw3l_nb", "adeunis_pulse_4_nbiot", "adeunis_pulse", "brook"} <= set(_LANES)
    assert len(_LANES["brook"]) == 2


@pytest.mark.parametrize(("name", "place"), _EACH)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_lane_says_what_each_message_says(name: str, place: int, data: st.DataObject) -> None:
    case = _LANES[name][place]
    payloads = [case.payload, *(data.draw(_mutated(case.payload)) for _ in range(5))]
    lane = case.lane
    octets = np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), -1)
    view = lane.view(octets)
    sequence, identities = lane.sequence(view), lane.identities(view, [""] * len(payloads))
    said = lane.take(view, _INSTALLED)
    good = said.good & lane.shape.fits(octets)
    own, kept = [], []
    for row, payload in enumerate(payloads):
        arrival = Arrival(config=_INSTALLED, port=case.port)
        try:
            decoded = lane.compiled.decode(payload, context=arrival)
        except DecodeError as error:
            # A checksum is looked at before messages come to a lane.
            assert not good[row] or "checksum" in str(error)
            continue
        if good[row]:
            own.append(Said(len(kept), decoded, 1, 1, _AT + row))
            kept.append(row)
            assert decoded.sequence == sequence[row]
            assert (decoded.identity.value if decoded.identity else "") == identities[row]
            timed = not decoded.events and all(one.at for one in decoded.readings)
            assert bool(said.is_of_its_time()[row]) == timed
    frame = np.full(len(payloads), -1)
    frame[kept] = np.arange(len(kept))
    alone = np.ones(len(payloads), np.int64)
    spoke = Spoke(said, frame, alone, alone.astype(np.int32), _AT + np.arange(len(payloads)))
    zones = {1: _ZONE}
    expected = columns_of(own, Routes.empty(), zones)
    assert columns_same(expected, columns_of([], Routes.empty(), zones, [spoke]))
    assert good[0] or name != "brook"


@st.composite
def _mutated(draw: Any, payload: bytes) -> bytes:
    """Some bytes of a message others, or all; of the length that it has."""
    changed = bytearray(payload)
    for _ in range(draw(st.integers(0, 6))):
        changed[draw(st.integers(0, len(payload) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 9)) == 0:
        return bytes(draw(st.binary(min_size=len(payload), max_size=len(payload))))
    return bytes(changed)


def _known(texts: list[str], devices: list[tuple[int, str]]) -> Known:
    """Types, and modules (type, identity) 1, 2 … of them."""
    types = [type_made(place, place, f"t{place}", text) for place, text in enumerate(texts, 1)]
    rows = Devices.empty(len(devices))
    rows.module = np.arange(len(devices), 0, -1)
    rows.device = -rows.module
    rows.company[:], rows.flags[:] = 1, Flag.ACTIVE
    nobody = np.zeros((0, 5), np.int64)
    none = ModuleChannels(np.zeros(0, np.int64), nobody, nobody.astype(np.int16))
    known = Known(Companies([(1, _ZONE, [])]), rows, Routes.empty(), none)
    known.foreign = Foreign(ForeignTypes(one for one in types if one is not None))
    known.foreign.put(
        ((kind, normal(identity)), ForeignDevice(module, 1, _INSTALLED))
        for module, (kind, identity) in enumerate(devices, 1)
    )
    return known


def _text(name: str) -> str:
    return (TYPES_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_batch_is_what_its_messages_are(data: st.DataObject) -> None:
    texts = [_text("dragino_sw3l_nb"), _text("adeunis_pulse_4_nbiot"), _BROOK]
    known = _known(texts, [(1, "866203010123456"), (2, "1122334455667788"), (3, "866203010123456")])
    examples = [_LANES["dragino_sw3l_nb"], _LANES["adeunis_pulse_4_nbiot"], _LANES["brook"]]
    first = [cases[0].payload for cases in examples]
    messages = [
        Message(payload, Transport.UDP, f"10.0.0.{place}", (_AT + place) * 1_000_000)
        for place, payload in enumerate(first)
    ]
    work_of(messages, known)
    assert len(known.foreign.hints) == 3
    for _ in range(data.draw(st.integers(1, 24))):
        place = data.draw(st.integers(0, 2))
        cases = examples[place]
        payload = data.draw(_mutated(cases[data.draw(st.integers(0, len(cases) - 1))].payload))
        if place == 2:
            payload = payload[:-1] + bytes([sum(payload[:-1]) & 0xFF])
        cut = data.draw(st.integers(0, 19))
        payload = payload if cut else payload[:-1]
        for _ in range(data.draw(st.integers(1, 5))):
            messages.append(messages[place]._replace(payload=payload))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "ingestion.foreign.together._AT_ONCE", data.draw(st.sampled_from([1, 10**6]))
        )
        together = work_of(messages, known)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(working, "judged_together", lambda messages, known: ({}, []))
        alone = work_of(messages, known)
    plain = [verdict._replace(decoded=None) for verdict in alone.verdicts]
    assert [verdict._replace(decoded=None) for verdict in together.verdicts] == plain
    one, other = resolved(together, known), resolved(alone, known)
    assert one.collected.refused == other.collected.refused
    assert one.columns.frames == other.columns.frames
    for mine, its in zip(_columns(one.columns), _columns(other.columns), strict=True):
        assert np.array_equal(mine, its) and mine.dtype == its.dtype


def _columns(batch: Any) -> list[Any]:
    parts = (batch.registers, batch.events, batch.statuses, *batch.intervals)
    return [column for part in parts for column in part.arrays()]


def test_a_lane_is_left_for_single_messages_and_for_lengths_that_lead_nowhere() -> None:
    known = _known([_text("dragino_sw3l_nb")], [(1, "866203010123456")])
    payload = _LANES["dragino_sw3l_nb"][0].payload
    message = Message(payload, Transport.UDP, "10.0.0.1", _AT * 1_000_000)
    assert work_of([message] * 3, known).spoken == []
    assert len(work_of([message] * 4, known).spoken) == 1
    for extra in range(200):
        odd = message._replace(payload=payload + bytes(extra % 8 + 8 * extra))
        work_of([odd] * 4, known)
    [one] = known.foreign.types.all
    assert one.lanes is not None
    assert one.lanes.found <= 128
