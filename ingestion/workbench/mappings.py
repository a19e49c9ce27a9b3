"""Items of a telegram → the rules of a definition that take them, for each kind of telegram."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from ingestion.codecs.telegram import Item, Telegram

from .cases import quoted
from .meanings import (
    BY_NAME,
    EVENTS,
    IDENTITIES,
    MBUS,
    MEDIA,
    SENML,
    TIMES,
    Guess,
    catalogue_of_obis,
)

__all__ = ["MAPPINGS", "Mapped"]

_MOST = 60
_TARIFF = re.compile(r"\.t([1-4])$")
_UNIX_SECONDS = range(1_000_000_000, 5_000_000_000)
_UNIX_MILLISECONDS = range(1_000_000_000_000, 5_000_000_000_000)


@dataclass(slots=True)
class Mapped:
    """Lines of a definition: `readings` as flow mappings without braces, with a comment.

    `reject`, `series` and `events` are flow mappings, too; `after` are comments before the tests.
    """

    layout: list[str] = field(default_factory=list)
    identify: list[str] = field(default_factory=list)
    clock: str = ""
    reject: list[str] = field(default_factory=list)
    readings: list[tuple[str, str]] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)

    def add(self, register: str, reading_type: str, rest: str, comment: str = "") -> None:
        """One reading; a register that is there already gets a number behind it."""
        names = {row.partition(",")[0] for row, _comment in self.readings}
        name, number = register, 1
        while f"register: {name}" in names:
            number += 1
            name = f"{register}_{number}"
        row = f"register: {name}, reading_type: {reading_type}, {rest}"
        self.readings.append((row, comment))
        resource = reading_type.partition(".")[0]
        if resource != "device" and resource not in self.resources:
            self.resources.append(resource)


def _is_number(item: Item) -> bool:
    return isinstance(item.value, int | Decimal) and not isinstance(item.value, bool)


def _check_unit() -> str:
    return _("Check the unit: the telegram does not say it.")


def _mbus(telegram: Telegram) -> Mapped:
    """By the quantity of a record; only present values of the main register."""
    said = telegram.identity
    resource = MEDIA.get(said.get("medium_code", "").upper(), "device")
    mapped = Mapped(resources=[resource], identify=_detected(telegram))
    table = MBUS[resource] | (MBUS["device"] if resource == "device" else {})
    seen: set[str] = set()
    for item in filter(_is_present, telegram.items):
        quantity = item.facts["quantity"]
        if quantity in table and quantity not in seen and item.unit:
            seen.add(quantity)
            register, reading_type = table[quantity]
            tariffs = _has_tariffs(telegram, quantity) and reading_type.endswith("import.register")
            extra = ", tariff: any}, tariff: all" if tariffs else "}"
            mapped.add(register, reading_type, f"match: {{quantity: {quantity}{extra}")
    return mapped


def _is_present(item: Item) -> bool:
    facts = item.facts
    usual = {"function": "instantaneous", "storage": 0, "subunit": 0, "modifier": "", "tariff": 0}
    return (
        _is_number(item)
        and "quantity" in facts
        and facts.get("valid", True)
        and all(facts.get(name, value) == value for name, value in usual.items())
    )


def _has_tariffs(telegram: Telegram, quantity: str) -> bool:
    return any(
        item.facts.get("quantity") == quantity and 0 < item.facts.get("tariff", 0) < 5
        for item in telegram.items
    )


def _detected(telegram: Telegram) -> list[str]:
    said = telegram.identity
    maker = said.get("manufacturer", "")
    if not re.fullmatch("[A-Z]{3}", maker):
        return []
    row = [f"manufacturer: {maker}"]
    if said.get("version", "").isdecimal():
        row.append(f"version: {said['version']}")
    if re.fullmatch("[0-9A-Fa-f]{2}", said.get("medium_code", "")):
        row.append(f"medium: 0x{said['medium_code'].upper()}")
    return ["detect:", f"  - {{{', '.join(row)}}}"]


def _obis(telegram: Telegram) -> Mapped:
    """By OBIS code, with sub-meters on ports of their own."""
    mapped = Mapped()
    if telegram.identity.get("id"):
        mapped.identify = ["device: $identity.id"]
    if any(item.facts.get("obis") == "0-0:1.0.0" for item in telegram.items):
        mapped.clock = '{obis: "0-0:1.0.0"}'
    seen: set[str] = set()
    for item in telegram.items:
        obis = str(item.facts.get("obis", ""))
        entry = catalogue_of_obis(obis, str(item.facts.get("medium", "")))
        pattern = _by_tariff(obis) if entry and _has_siblings(telegram, obis) else obis
        if entry is None or not _is_number(item) or pattern in seen:
            continue
        seen.add(pattern)
        _add_obis(mapped, item, pattern, entry.code)
    return mapped


def _by_tariff(obis: str) -> str:
    return f"{obis.rpartition('.')[0]}.t"


def _has_siblings(telegram: Telegram, obis: str) -> bool:
    """Whether the registers of tariffs 1 to 4 of the same energy came."""
    head, _dot, last = obis.rpartition(".")
    if not head.endswith(".8") or last not in "01234":
        return False
    siblings = {f"{head}.{tariff}" for tariff in range(1, 5)}
    return any(item.facts.get("obis") in siblings for item in telegram.items)


def _add_obis(mapped: Mapped, item: Item, obis: str, code: str) -> None:
    tariff = _TARIFF.search(code)
    base = code[: tariff.start()] if tariff else code
    words = base.removesuffix(".register").split(".")[1:]
    register = "_".join(words)[:20] or "value"
    rest = f'obis: "{obis}"'
    if obis.endswith(".t"):
        rest += ", tariff: all"
    channel = re.match(r"0-(\d+):24\.2\.", obis)
    if channel:
        rest += f", port: {channel[1]}"
    if isinstance(item.facts.get("time"), datetime):
        rest += ", at: {fact: time}"
    mapped.add(register, base, rest)


# Quantity of a market file → register, and reading type without its direction.
_MARKET = {"active energy": ("energy", "active"), "reactive energy": ("reactive", "reactive")}
_NOT_ACTUAL = "[substituted, final substituted, estimated]"


def _nem(telegram: Telegram) -> Mapped:
    """By data stream; amounts of intervals are series, reads are readings."""
    mapped = Mapped(identify=["device: $identity.id"], resources=["electricity"])
    mapped.reject = [f"when: {{field: $nmis, above: 1}}, why: {quoted(_('Several meters.'))}"]
    seen: set[str] = set()
    for item in telegram.items:
        suffix, direction = str(item.facts["suffix"]), item.facts.get("direction")
        known = _MARKET.get(str(item.facts.get("quantity")))
        if known is None or not direction or suffix in seen:
            continue
        seen.add(suffix)
        code = f"electricity.{known[1]}.{direction}"
        _add_stream(mapped, item, f"{known[0]}_{direction}", code, quoted(suffix))
    return mapped


def _add_stream(mapped: Mapped, item: Item, register: str, code: str, suffix: str) -> None:
    if not isinstance(item.value, list):
        rest = f"match: {{suffix: {suffix}, function: cumulative}}, at: {{fact: time}}"
        mapped.add(register, f"{code}.register", rest)
        return
    used = sum(row.startswith(f"register: {register},") for row in mapped.series)
    # Streams of another meter or element are on a port of their own.
    port = f", port: {used // 2 + 1}" if used else ""
    for quality, rest in (("actual", ""), (_NOT_ACTUAL, ", quality: estimated")):
        match = f"match: {{suffix: {suffix}, function: interval, quality: {quality}}}"
        timed = f"at: {{fact: time}}, step: $fact.step, interval: 30{port}{rest}"
        mapped.series.append(f"register: {register}, reading_type: {code}, {match}, {timed}")


def _senml(telegram: Telegram) -> Mapped:
    """By the unit of a record; its name says which one."""
    mapped = Mapped()
    if telegram.identity.get("device"):
        mapped.identify = ["device: $identity.device"]
    timed = any("time" in item.facts for item in telegram.items)
    for item in telegram.items[:_MOST]:
        guess = SENML.get(item.unit)
        if guess and _is_number(item):
            name = json.dumps(str(item.facts.get("local", item.name)), ensure_ascii=False)
            rest = f"match: {{local: {name}}}" + (", at: {fact: time}" if timed else "")
            mapped.add(guess.register, guess.reading_type, rest)
    return mapped


def _json(telegram: Telegram) -> Mapped:
    """By the names of the values, and units that such values usually have."""
    mapped = Mapped(layout=["fields:"])
    names: set[str] = set()
    for item in telegram.items[:_MOST]:
        _add_json(mapped, item, names)
    if not mapped.identify:
        mapped.identify = [*_by_topic(), "device: $arrival.device"]
    return mapped


def _by_topic() -> Iterator[str]:
    """How it is said that the topic tells the module: in comments, as no telegram shows it."""
    text = _(
        "Over MQTT the part of the topic in braces tells the module. Then stands here instead:"
    )
    yield from (f"# {line}" for line in (text, "transport: mqtt", "topic: meters/{device}/state"))


def _add_json(mapped: Mapped, item: Item, names: set[str]) -> None:
    word = _words(item.name).replace(" ", "")
    last = _words(item.name.rsplit(".", 1)[-1]).replace(" ", "")
    path = quoted(item.name)
    time = _time_of(item) if last in TIMES else ""
    if time and not mapped.clock:
        mapped.layout.append(f"  - {{name: at, path: {path}, time: {time}}}")
        mapped.clock = "$at"
        names.add("at")
    elif last in IDENTITIES and not mapped.identify and isinstance(item.value, str | int):
        mapped.layout.insert(0, f"identity: {{device: {path}}}")
        mapped.identify = ["device: $identity.device", f"scheme: {IDENTITIES[last]}"]
    elif last in EVENTS and item.value in (0, 1):
        name = _free(_words(item.name).replace(" ", "_"), names)
        mapped.layout.append(f"  - {{name: {name}, path: {path}}}")
        mapped.events.append(f"field: ${name}, code: {EVENTS[last]}")
    elif _number_of(item) is not None and word:
        _add_json_value(mapped, item, path, names)


def _add_json_value(mapped: Mapped, item: Item, path: str, names: set[str]) -> None:
    guess = _guess(item.name)
    name = _free(_words(item.name).replace(" ", "_"), names)
    unit = f", unit: {quoted(guess.unit)}" if guess and guess.unit else ""
    kind = ", type: decimal" if isinstance(item.value, str) else ""
    mapped.layout.append(f"  - {{name: {name}, path: {path}{kind}{unit}}}")
    if guess and guess.register:
        comment = "" if guess.sure else _check_unit()
        mapped.add(guess.register, guess.reading_type, f"value: ${name}", comment)


def _guess(name: str) -> Guess | None:
    """By the last word of a path first, then by all of it."""
    for text in (_words(name.rsplit(".", 1)[-1]), _words(name)):
        for pattern, guess in BY_NAME:
            if pattern.search(text):
                return guess
    return None


def _words(path: str) -> str:
    """em1data.totalActEnergy[0] → em1data total act energy 0."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", path)
    return re.sub(r"[^a-z0-9]+", " ", apart.lower()).strip()


def _free(name: str, names: set[str]) -> str:
    name = (name if name[:1].isalpha() else f"v_{name}")[:40]
    free, number = name, 1
    while free in names:
        number += 1
        free = f"{name}_{number}"
    names.add(free)
    return free


def _number_of(item: Item) -> Decimal | int | None:
    if _is_number(item):
        return item.value  # type: ignore[return-value]
    if isinstance(item.value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", item.value):
        return Decimal(item.value)
    return None


def _time_of(item: Item) -> str:
    value: Any = item.value
    if isinstance(value, int):
        if value in _UNIX_SECONDS:
            return "unix"
        return "unix_ms" if value in _UNIX_MILLISECONDS else ""
    if not isinstance(value, str):
        return ""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return ""
    return "iso"


def _modbus(telegram: Telegram) -> Mapped:
    """A response says no names: its registers one by one, to be given some."""
    return Mapped(layout=list(_registers(telegram)), identify=["device: $arrival.source"])


def _registers(telegram: Telegram) -> Iterator[str]:
    yield "# " + _("Addresses, types and names as in the maker's table of registers.")
    function = next((item.facts.get("function_code") for item in telegram.items), None)
    yield f"function: {function if function in (3, 4) else 3}"
    yield "reads:"
    yield f"  - {{address: 0, count: {max(1, len(telegram.items))}}}"
    yield "registers:"
    for at in range(min(max(1, len(telegram.items)), _MOST)):
        yield f"  - {{name: register_{at}, address: {at}, type: u16}}"


MAPPINGS: dict[str, Callable[[Telegram], Mapped]] = {
    "mbus": _mbus,
    "wmbus": _mbus,
    "obis_text": _obis,
    "cosem": _obis,
    "nem": _nem,
    "senml": _senml,
    "json": _json,
    "modbus": _modbus,
}
