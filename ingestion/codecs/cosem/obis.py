"""OBIS codes: what the six numbers of an object mean.

Source: IEC 62056-61, Blue Book "COSEM Object Identification System": A medium, B channel, C
quantity, D processing, E tariff or the like, F billing period (255: the running one).
Names are plain words for the codes that meters send; any other gives `obis_A_B_C_D_E`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

__all__ = [
    "ELECTRICITY",
    "Code",
    "Meaning",
    "code_from_octets",
    "looks_like_code",
    "meaning",
    "written",
]

ABSTRACT, ELECTRICITY, COST, COOLING, HEAT, GAS, COLD_WATER, HOT_WATER = 0, 1, 4, 5, 6, 7, 8, 9
_CURRENT = 255
_MEDIA = {
    ABSTRACT: "abstract",
    ELECTRICITY: "electricity",
    COST: "heat cost",
    COOLING: "cooling",
    HEAT: "heat",
    GAS: "gas",
    COLD_WATER: "water",
    HOT_WATER: "hot water",
}

Code = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Meaning:
    """`name` is an identifier, not yet unique; `text` says that the octets are text."""

    name: str
    quantity: str = ""
    text: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


# C of electricity: kind, direction. Single phases are 20, 40 and 60 higher.
_POWERS = {
    1: ("active", "import"),
    2: ("active", "export"),
    3: ("reactive", "import"),
    4: ("reactive", "export"),
    5: ("reactive", "q1"),
    6: ("reactive", "q2"),
    7: ("reactive", "q3"),
    8: ("reactive", "q4"),
    9: ("apparent", "import"),
    10: ("apparent", "export"),
    15: ("active", "total"),
    16: ("active", "net"),
    17: ("active", "q1"),
    18: ("active", "q2"),
    19: ("active", "q3"),
    20: ("active", "q4"),
}
_OTHERS = {11: "current", 12: "voltage", 13: "power factor", 14: "frequency"}
_SINGLES = {
    90: "current sum",
    91: "current neutral",
    92: "voltage neutral",
    84: "power factor export",
    88: "current squared hours",
    89: "voltage squared hours",
}
# D: function in words, and what it adds to a name.
_PROCESSING = {
    0: ("billing", "billing"),
    2: ("cumulative maximum", "cumulative_max"),
    3: ("minimum", "min"),
    4: ("current average", "average"),
    5: ("last average", "last_average"),
    6: ("maximum", "max"),
    7: ("instantaneous", ""),
    8: ("cumulative", ""),
    9: ("cumulative", "billing_period"),
    14: ("current average", "average_3"),
    15: ("last average", "last_average_3"),
    16: ("maximum", "max_3"),
    24: ("average", "average"),
    25: ("last average", "last_average_2"),
    27: ("current average", "average_5"),
    28: ("last average", "last_average_5"),
    29: ("interval", "interval"),
    30: ("interval", "interval_2"),
    31: ("threshold", "sag_threshold"),
    32: ("count", "sags"),
    33: ("duration", "sag_duration"),
    34: ("magnitude", "sag_magnitude"),
    35: ("threshold", "swell_threshold"),
    36: ("count", "swells"),
    37: ("duration", "swell_duration"),
    38: ("magnitude", "swell_magnitude"),
}
_ENERGIES = frozenset({8, 9, 29, 30})

# (C, D, E) of abstract objects and of what electricity meters send that is no quantity; E None
# stands for any. Third: whether octets are text.
_GENERAL: dict[tuple[int, int, int | None], tuple[str, str, bool]] = {
    (0, 0, 0): ("device_id", "identification", True),
    (0, 0, 1): ("device_id_1", "identification", True),
    (0, 0, 5): ("meter_id", "identification", True),
    (0, 0, 9): ("device_id_9", "identification", True),
    (0, 2, 0): ("firmware_version", "identification", True),
    (0, 2, 8): ("telegram_version", "identification", True),
    (0, 2, 129): ("list_version", "identification", True),
    (0, 9, 1): ("meter_time", "time", True),
    (0, 9, 2): ("meter_date", "time", True),
    (1, 0, 0): ("clock", "time", False),
    (1, 1, 0): ("unix_time", "time", False),
    (17, 0, 0): ("power_limit", "limit", False),
    (42, 0, 0): ("logical_device_name", "identification", True),
    (96, 1, 0): ("meter_id", "identification", True),
    (96, 1, 1): ("meter_id_1", "identification", True),
    (96, 1, 2): ("meter_id_2", "identification", True),
    (96, 1, 3): ("meter_id_3", "identification", True),
    (96, 1, 4): ("version_information", "identification", True),
    (96, 1, 7): ("meter_type", "identification", True),
    (96, 1, 9): ("metering_point_id", "identification", True),
    (96, 1, 255): ("serial_number", "identification", True),
    (96, 1, None): ("device_id", "identification", True),
    (96, 2, 1): ("last_configuration", "time", False),
    (96, 3, 10): ("switch_position", "state", False),
    (96, 5, 0): ("status", "state", True),
    (96, 5, 5): ("status", "state", True),
    (96, 6, 1): ("battery_state", "state", False),
    (96, 7, 0): ("power_failures_all_phases", "count", False),
    (96, 7, 9): ("long_power_failures", "count", False),
    (96, 7, 19): ("power_failure_duration", "duration", False),
    (96, 7, 21): ("power_failures", "count", False),
    (96, 8, 0): ("operating_time", "duration", False),
    (96, 13, 0): ("text_message", "text", True),
    (96, 13, 1): ("text_message_code", "text", True),
    (96, 13, None): ("text_message", "text", True),
    (96, 14, 0): ("active_tariff", "tariff", False),
    (96, 50, 68): ("switch_position", "state", False),
    (97, 97, 0): ("error_register", "state", False),
    (97, 97, None): ("error_register", "state", False),
    (98, 1, 0): ("history", "history", False),
    (99, 97, 0): ("power_failure_log", "history", False),
    (31, 4, 0): ("current_limit_l1", "limit", False),
    (51, 4, 0): ("current_limit_l2", "limit", False),
    (71, 4, 0): ("current_limit_l3", "limit", False),
    (24, 1, 0): ("device_type", "identification", False),
    (24, 2, 0): ("reading", "reading", False),
    (24, 2, 1): ("reading", "reading", False),
    (24, 2, 2): ("reading_2", "reading", False),
    (24, 2, 3): ("reading_not_converted", "reading", False),
    (24, 3, 0): ("reading_hourly", "reading", False),
    (24, 4, 0): ("valve_position", "state", False),
}
# (A, C, D) of other media, E None for any.
_OTHER_MEDIA: dict[tuple[int, int, int], tuple[str, str]] = {
    (HEAT, 1, 0): ("energy", "energy"),
    (HEAT, 2, 0): ("volume", "volume"),
    (HEAT, 3, 0): ("mass", "mass"),
    (HEAT, 4, 0): ("volume_flow_side", "volume"),
    (HEAT, 6, 0): ("volume_return_side", "volume"),
    (HEAT, 8, 0): ("power", "power"),
    (HEAT, 9, 0): ("flow", "volume flow"),
    (HEAT, 10, 0): ("flow_temperature", "flow temperature"),
    (HEAT, 11, 0): ("return_temperature", "return temperature"),
    (HEAT, 12, 0): ("temperature_difference", "temperature difference"),
    (HEAT, 13, 0): ("pressure", "pressure"),
    (GAS, 1, 0): ("volume", "volume"),
    (GAS, 3, 0): ("volume", "volume"),
    (GAS, 3, 1): ("volume_converted", "volume"),
    (GAS, 3, 2): ("volume_at_base_conditions", "volume"),
    (GAS, 13, 0): ("volume", "volume"),
    (GAS, 13, 1): ("volume_corrected", "volume"),
    (GAS, 13, 2): ("volume_at_base_conditions", "volume"),
    (GAS, 23, 0): ("volume_interval", "volume"),
    (GAS, 33, 2): ("volume_at_base_conditions_daily", "volume"),
    (GAS, 41, 0): ("temperature", "temperature"),
    (GAS, 42, 0): ("pressure", "pressure"),
    (GAS, 43, 0): ("flow", "volume flow"),
    (GAS, 54, 0): ("calorific_value", "calorific value"),
    (COLD_WATER, 1, 0): ("volume", "volume"),
    (COLD_WATER, 2, 0): ("flow", "volume flow"),
    (COLD_WATER, 3, 0): ("flow_temperature", "flow temperature"),
    (COST, 1, 0): ("units", "heat cost units"),
    (COST, 1, 2): ("units_at_due_date", "heat cost units"),
}
# Cooling and hot water count as heat and cold water do.
_LIKE = {COOLING: HEAT, HOT_WATER: COLD_WATER}


def code_from_octets(octets: bytes) -> Code:
    a, b, c, d, e, f = octets
    return a, b, c, d, e, f


def looks_like_code(octets: bytes) -> bool:
    """Whether six octets are a code rather than a number or text of the same size."""
    return len(octets) == 6 and (octets[0] in _MEDIA or octets[0] == 15) and octets[5] == _CURRENT


def written(code: Code) -> str:
    """A-B:C.D.E, and the billing period behind an asterisk unless it is the running one."""
    a, b, c, d, e, f = code
    return f"{a}-{b}:{c}.{d}.{e}" + ("" if f == _CURRENT else f"*{f:02d}")


@lru_cache(maxsize=4_096)
def meaning(code: Code) -> Meaning:
    """What the code stands for; `facts` for mappings are complete."""
    found = _general(code) or _electricity(code) or _other_medium(code)
    a, b, _, _, e, f = code
    found = found or Meaning(f"obis_{'_'.join(map(str, code[:5]))}")
    facts = {"obis": written(code), "medium": _MEDIA.get(a, str(a)), "channel": b, **found.facts}
    facts["storage"] = 0 if f == _CURRENT else f
    if found.quantity:
        facts["quantity"] = found.quantity
    name = _channelled(found.name, a, b, f)
    return Meaning(name, found.quantity, found.text, MappingProxyType(facts))


def _channelled(name: str, medium: int, channel: int, period: int) -> str:
    """Abstract objects of a channel above 0 belong to sub-meters; electricity's 1 to itself."""
    if channel and medium != ELECTRICITY:
        name = f"{name}_ch{channel}"
    return name if period == _CURRENT else f"{name}_period_{period}"


def _general(code: Code) -> Meaning | None:
    a, _, c, d, e, _ = code
    if a not in (ABSTRACT, ELECTRICITY):
        return None
    row = _GENERAL.get((c, d, e)) or _GENERAL.get((c, d, None))
    return Meaning(*row) if row else None


def _electricity(code: Code) -> Meaning | None:
    medium, _, c, d, e, _ = code
    if medium != ELECTRICITY or d not in _PROCESSING:
        return None
    function, suffix = _PROCESSING[d]
    phase, base = divmod(c - 1, 20)
    if c in _SINGLES:
        quantity, phase = _SINGLES[c], 0
        return _measured(quantity, "", function, suffix, 0, e)
    if not 0 <= phase <= 3:
        return None
    if base + 1 in _OTHERS:
        return _measured(_OTHERS[base + 1], "", function, suffix, phase, e)
    if base + 1 not in _POWERS:
        return None
    kind, direction = _POWERS[base + 1]
    stem = "energy" if d in _ENERGIES else "power"
    return _measured(f"{kind} {stem}", direction, function, suffix, phase, e)


def _measured(
    quantity: str, direction: str, function: str, suffix: str, phase: int, e: int
) -> Meaning:
    facts: dict[str, Any] = {"function": function, "tariff": 0}
    words = [quantity.replace(" ", "_"), direction, f"l{phase}" if phase else "", suffix]
    if direction:
        facts["direction"] = direction
    if phase:
        facts["phase"] = phase
    if e and "energy" in quantity or e and function in ("maximum", "cumulative maximum"):
        facts["tariff"] = e
        words.append(f"t{e}")
    elif e and not phase:
        # Of current and voltage E counts harmonics; 0 is the total.
        words.append(f"e{e}")
        facts["harmonic"] = e
    return Meaning("_".join(filter(None, words)), quantity, False, facts)


def _other_medium(code: Code) -> Meaning | None:
    a, _, c, d, e, _ = code
    row = _OTHER_MEDIA.get((_LIKE.get(a, a), c, d))
    if row is None:
        return None
    name, quantity = f"{_MEDIA[a].replace(' ', '_')}_{row[0]}", row[1]
    facts = {"function": "instantaneous", "tariff": e}
    return Meaning(f"{name}_t{e}" if e else name, quantity, False, facts)
