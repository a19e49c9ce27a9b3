"""From one telegram to a definition that reads it: what it is, what is in it, what that means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Arrival, CompiledType, compile_type
from ingestion.inspection import Recognised, recognise
from meters.definition import DefinitionError, read_definition

from .cases import bad_case, good_case, quoted
from .layouts import guessed_layout
from .mappings import MAPPINGS, Mapped
from .samples import Sample, sample_unpacked
from .showing import octets_shown
from .texts import code_of

__all__ = ["ProposalError", "propose_definition"]

_WIDTH = 90
_SHORTEST_TEXT = 8
_OTHERS = "or cold_water, hot_water, gas, heat, electricity"


class ProposalError(ValueError):
    """There is nothing to propose; the message says why and what to do."""


@dataclass(slots=True)
class _Draft:
    """The parts of a definition as lines; `readings` each with the comment that stands above it."""

    kind: str
    code: str
    vendor: str
    model: str
    mapped: Mapped
    tests: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "\n".join([*self._head(), *self._rules(), *self._tests()]) + "\n"

    def _head(self) -> Iterator[str]:
        resources = self.mapped.resources or ["device"]
        yield f"type: {self.code}"
        yield "version: 1"
        yield f"vendor: {quoted(self.vendor)}"
        yield f"model: {quoted(self.model)}"
        unknown = "" if self.mapped.resources else f"  # {_OTHERS}"
        one = len(resources) == 1
        yield f"resource: {resources[0] if one else '[' + ', '.join(resources) + ']'}{unknown}"
        yield f"description: {quoted(_('Proposed from a telegram; read every line of it.'))}"
        if self.mapped.identify:
            yield "# " + _("How the module is found that a telegram belongs to.")
            yield "identify:"
            yield from (f"  {line}" for line in self.mapped.identify)

    def _rules(self) -> Iterator[str]:
        yield "decode:"
        yield f"  kind: {self.kind}"
        yield from (f"  {line}" for line in self.mapped.layout)
        if self.mapped.clock:
            yield f"clock: {self.mapped.clock}"
        yield from _listed("reject", self.mapped.reject)
        if self.mapped.readings:
            yield "readings:"
        for reading, comment in self.mapped.readings:
            if comment:
                yield f"  # {comment}"
            yield f"  - {{{reading}}}"
        yield from _listed("series", self.mapped.series)
        yield from _listed("events", self.mapped.events)
        yield from (f"# {line}" for line in self.mapped.after)

    def _tests(self) -> Iterator[str]:
        if self.tests:
            yield "tests:"
        for case in self.tests:
            yield from (f"  {line}" for line in case.splitlines())


def _listed(part: str, rows: list[str]) -> Iterator[str]:
    """A part whose rows are flow mappings; nothing where there are none."""
    if rows:
        yield f"{part}:"
        yield from (f"  - {{{row}}}" for row in rows)


def propose_definition(
    payload: bytes,
    *,
    key: bytes | None = None,
    authentication_key: bytes | None = None,
    code: str = "",
    zone: str = "",
) -> str:
    """The text of a definition that reads this telegram, with it as the first test.

    What no codec knows becomes a binary layout with a name for each byte. zone: IANA name, of
    clocks that tell none. ProposalError where no definition is needed, or nothing was given.
    """
    if not payload:
        raise ProposalError(_("Paste a telegram, or drop a file with one."))
    keys = {"encryption": key, "authentication": authentication_key}
    arrival = Arrival(
        keys={name: one for name, one in keys.items() if one},
        config={"zone": zone} if zone else {},
        memory={},
    )
    sample = _unpacked(Sample(payload, arrival))
    kind, telegram = _recognised(sample.octets, key, authentication_key)
    draft = _draft(kind, telegram, code)
    if sample.arrival.transport:
        draft.mapped.identify[:0] = ["transport: lorawan", f"ports: [{sample.arrival.port}]"]
    compiled = _fitted(draft)
    _add_tests(draft, compiled, sample)
    return draft.text()


def _unpacked(sample: Sample) -> Sample:
    """What a LoRaWAN module sent is to be read, not the document of its network server."""
    try:
        return sample_unpacked(sample, "binary")
    except DecodeError as error:
        raise ProposalError(
            _("The network server's document can't be used: %(why)s.") % {"why": error.reason}
        ) from None


def _recognised(
    payload: bytes, key: bytes | None, authentication_key: bytes | None
) -> tuple[str, Telegram]:
    try:
        found: Recognised = recognise(payload, key=key, authentication_key=authentication_key)
    except DecodeError as error:
        return "binary", _unknown(payload, error.reason)
    if found.kind == "universal":
        raise ProposalError(
            _(
                "This is a frame of the product's own protocol: the server reads it without a "
                "definition. Enter the module and its key instead."
            )
        )
    if "unread" in found.telegram.identity:
        raise ProposalError(
            _("The telegram can't be read: %(why)s. Give its key, and try again.")
            % {"why": found.telegram.identity["unread"]}
        )
    return found.kind, found.telegram


def _unknown(payload: bytes, why: str) -> Telegram:
    """Bytes to be named one by one; a text that can't be read is damaged instead."""
    if len(payload) >= _SHORTEST_TEXT and octets_shown(payload)["text"]:
        raise ProposalError(_("The text can't be read: %(why)s.") % {"why": why})
    return Telegram(kind="binary", octets=payload, items=(), warnings=(why,))


def _draft(kind: str, telegram: Telegram, code: str) -> _Draft:
    said = telegram.identity
    vendor = said.get("manufacturer") or _("Maker")
    model = said.get("model") or said.get("medium") or _("Model")
    mapping: Callable[[Telegram], Mapped] = MAPPINGS.get(kind, _by_bytes)
    return _Draft(
        kind=kind,
        code=code_of(code) or code_of(f"{vendor} {model}") or "new-type",
        vendor=vendor,
        model=model,
        mapped=mapping(telegram),
    )


def _by_bytes(telegram: Telegram) -> Mapped:
    """Nothing is known of the layout but what the bytes betray."""
    mapped = guessed_layout(telegram.octets)
    mapped.layout[:0] = (f"# {line}" for line in _commented(telegram.warnings))
    return mapped


def _commented(warnings: tuple[str, ...]) -> Iterator[str]:
    """Why it is none of the protocols that are known."""
    for warning in warnings:
        yield from wrap("".join(filter(str.isprintable, warning)), _WIDTH)


def _fitted(draft: _Draft) -> CompiledType | None:
    """Readings that the definition would refuse are left out, the others stay."""
    for _attempt in range(len(draft.mapped.readings) + 1):
        try:
            return compile_type(read_definition(draft.text(), name="proposal"))
        except DefinitionError as error:
            wrong = {_reading_of(problem.key) for problem in error.problems}
        rows = draft.mapped.readings
        kept = [row for number, row in enumerate(rows) if number not in wrong]
        if len(kept) == len(rows):
            return None
        draft.mapped.readings[:] = kept
    return None


def _reading_of(key: str) -> int:
    head, _bracket, rest = key.partition("[")
    number = rest.partition("]")[0]
    return int(number) if head == "readings" and number.isdecimal() else -1


def _add_tests(draft: _Draft, compiled: CompiledType | None, sample: Sample) -> None:
    """The telegram is the good one; the bad one is a piece of it."""
    if compiled is None:
        return
    try:
        decoded = compiled.decode(sample.octets, context=sample.arrival)
    except DecodeError:
        return
    cases = (good_case(compiled, sample, decoded), bad_case(compiled, sample))
    draft.tests = [case for case in cases if case]
