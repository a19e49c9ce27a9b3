"""The registers that a definition tells of."""

from __future__ import annotations

from meters.definition import RegisterUse, read_definition, registers_of

from .texts import VALID

_MORE = """\
  - {register: level, reading_type: device.battery.level, value: $status, unit: '%'}
series:
  - {register: hourly, reading_type: '{resource}.volume', deltas: $volume, step: 15min}
"""


def _uses(text: str, resource: str = "") -> list[RegisterUse]:
    return registers_of(read_definition(text, name="t"), resource=resource)


def test_registers_have_the_resource_of_their_reading_type() -> None:
    text = VALID.replace("events:", _MORE + "events:")
    assert _uses(text) == [
        RegisterUse("hourly", "cold_water.volume", "cold_water", 15),
        RegisterUse("volume", "cold_water.volume.register", "cold_water", 60),
        RegisterUse("level", "device.battery.level", "device", 60),
    ]


def test_a_placeholder_is_each_resource_or_the_one_asked_for() -> None:
    text = VALID.replace("cold_water.volume.register", "'{resource}.volume.register'")
    text = text.replace("resource: cold_water", "resource: [cold_water, gas]")
    assert [use.reading_type for use in _uses(text)] == [
        "cold_water.volume.register",
        "gas.volume.register",
        "cold_water.volume",
        "gas.volume",
    ]
    assert _uses(text, "gas") == [
        RegisterUse("volume", "gas.volume.register", "gas", 60),
        RegisterUse("volume", "gas.volume", "gas", 60),
    ]


def test_all_tariffs_and_phases_have_registers() -> None:
    text = VALID.replace("resource: cold_water", "resource: electricity").replace(
        "register: volume, reading_type: cold_water.volume.register",
        "register: energy, tariff: all, reading_type: electricity.active.import.register",
    )
    names = ["energy", *(f"energy.t{tariff}" for tariff in range(1, 5))]
    assert [use.register for use in _uses(text)] == [*names, *names], "registers, then amounts"
    phases = text.replace("tariff: all", "spread: phase").replace(
        "electricity.active.import.register", "electricity.voltage"
    )
    assert [use.reading_type for use in _uses(phases)] == [
        f"electricity.voltage.l{phase}" for phase in range(1, 4)
    ]


def test_a_step_that_only_the_telegram_tells_has_an_interval_of_its_own() -> None:
    text = VALID.replace("events:", _MORE.replace("15min", "$status") + "events:")
    assert _uses(text)[0] == RegisterUse("hourly", "cold_water.volume", "cold_water", 60)
    text = text.replace("step: $status", "step: $status, interval: 30")
    assert _uses(text)[0] == RegisterUse("hourly", "cold_water.volume", "cold_water", 30)
