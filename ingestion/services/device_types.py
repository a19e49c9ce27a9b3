"""Device types as texts: entering, keeping, publishing, taking back, and those that are shipped."""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.grants import grants_of
from ingestion.decoding import compile_type, publishing_faults
from ingestion.workbench.checking import run_tests_within
from ingestion.workbench.texts import Head, code_of, head_of, is_of_language, with_key
from meters import __file__ as meters_file
from meters.definition import Definition, read_definition, registers_of
from meters.errors import MetersError
from meters.models import DeviceType, DeviceTypeVersion, ReadingType, RegisterTemplate
from meters.services.device_types import device_type_version_publish

if TYPE_CHECKING:
    from accounts.models import Company, User

__all__ = [
    "device_type_create",
    "device_type_duplicate",
    "device_types_sync",
    "fingerprint",
    "version_draft",
    "version_prepare",
    "version_publish",
    "version_roll_back",
    "version_save",
]

_LONGEST = 200_000
# Seconds for the tests of a type that is published.
_FOR_TESTS = 20.0
_SHIPPED = Path(meters_file).parent / "devicetypes"
_log = logging.getLogger(__name__)


def fingerprint(text: str) -> str:
    """Tells one state of a text from another: what an editor started from."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@transaction.atomic
def device_type_create(
    *, actor: User | None, company: Company | None, definition: str, comment: str = ""
) -> DeviceTypeVersion:
    """A new type with a first draft; its head is read from the text, as far as it can be.

    A code that is taken gets a number behind it, in the text too.
    """
    _check_company(actor, company)
    text = _clean(definition)
    return _enter(company, text, head_of(text), comment)


def _enter(company: Company | None, text: str, head: Head, comment: str) -> DeviceTypeVersion:
    code = _free_code(company, head.code or "new-type")
    device_type = DeviceType(
        company=company,
        code=code,
        manufacturer=head.vendor or _("Maker"),
        name=head.model or code,
        role=head.role or DeviceType.Role.METER,
        resource=head.resource or "device",
    )
    device_type.full_clean()
    device_type.save()
    if head.code != code:
        text = with_key(text, "type", code)
    return _draft(device_type, text, comment)


@transaction.atomic
def device_type_duplicate(
    *, actor: User | None, version: DeviceTypeVersion, company: Company
) -> DeviceTypeVersion:
    """A type of the company's own with the text of a version that the actor may see."""
    _check(actor, version, "view")
    original = version.device_type
    code = code_of(f"{original.code[:58]}-copy")
    text = with_key(with_key(version.definition, "type", code), "version", 1)
    comment = _("Copy of %(version)s") % {"version": version}
    return device_type_create(actor=actor, company=company, definition=text, comment=comment)


@transaction.atomic
def version_draft(
    *, actor: User | None, version: DeviceTypeVersion, comment: str = ""
) -> DeviceTypeVersion:
    """A new draft of the same type with the text of a version."""
    _check(actor, version, "change")
    comment = comment or _("From version %(number)d") % {"number": version.number}
    return _draft(version.device_type, version.definition, comment)


@transaction.atomic
def version_save(
    *, actor: User | None, version: DeviceTypeVersion, definition: str, base: str
) -> DeviceTypeVersion:
    """Keep the text of a draft, with faults or without. `base`: fingerprint it was begun from."""
    _check(actor, version, "change")
    row = DeviceTypeVersion.objects.select_for_update().get(pk=version.pk)
    if row.status != DeviceTypeVersion.Status.DRAFT:
        raise MetersError(_("Only a draft can be changed. Make a new draft from this version."))
    if base != fingerprint(row.definition):
        raise MetersError(
            _(
                "Somebody else has saved this draft since you opened it. Copy your text, load the "
                "page again and put the two together."
            )
        )
    text = _clean(definition)
    if text != row.definition:
        row.definition = text
        row.save(update_fields=["definition", "updated_at"])
        _call(row.device_type, head_of(text))
    return row


def _call(device_type: DeviceType, head: Head) -> None:
    """Until its first publication a type is called what its draft says, so that it is found."""
    named = (head.vendor or device_type.manufacturer, head.model or device_type.name)
    if named == (device_type.manufacturer, device_type.name) or _was_published(device_type):
        return
    device_type.manufacturer, device_type.name = named
    device_type.save(update_fields=["manufacturer", "name", "updated_at"])


def _was_published(device_type: DeviceType) -> bool:
    return device_type.versions.exclude(status=DeviceTypeVersion.Status.DRAFT).exists()


@transaction.atomic
def version_publish(*, actor: User | None, version: DeviceTypeVersion, why: str) -> None:
    """Put a draft in force. MetersError with every reason where it is not fit for it."""
    _check(actor, version, "change")
    if not why.strip():
        raise MetersError(_("Say in a few words what changed and why: colleagues will read it."))
    row = DeviceTypeVersion.objects.select_for_update().get(pk=version.pk)
    row.comment = why.strip()[:500]
    row.save(update_fields=["comment", "updated_at"])
    device_type_version_publish(actor=actor, version=row)


@transaction.atomic
def version_roll_back(
    *, actor: User | None, version: DeviceTypeVersion, why: str
) -> DeviceTypeVersion:
    """Publish the text of an earlier version once more, as a new version."""
    if version.status != DeviceTypeVersion.Status.RETIRED:
        raise MetersError(_("Only a version that was in force before can be put back in force."))
    if not why.strip():
        raise MetersError(_("Say in a few words why: colleagues will read it."))
    values = {"number": version.number, "why": why.strip()}
    comment = _("Back to version %(number)d: %(why)s") % values
    draft = version_draft(actor=actor, version=version, comment=comment[:500])
    version_publish(actor=actor, version=draft, why=comment)
    return draft


def version_prepare(version: DeviceTypeVersion) -> None:
    """What publishing a version of this language asks for: its tests pass, its registers exist.

    MetersError with every reason against it. Texts of the universal protocol pass as they are.
    """
    if not is_of_language(version.definition):
        return
    definition = _read(version.definition)
    results, left = run_tests_within(compile_type(definition), _FOR_TESTS)
    if left:
        values = {"seconds": _FOR_TESTS, "left": left}
        message = _(
            "The tests take longer than %(seconds)d s, %(left)d are left: keep fewer of them."
        )
        raise MetersError(message % values)
    faults = publishing_faults(results)
    if faults:
        raise MetersError(faults)
    _describe(version.device_type, definition)
    _write_templates(version, definition)


@lru_cache(maxsize=2)
def _read(text: str) -> Definition:
    """Shipped texts are read when they are entered and again when they are published."""
    return read_definition(text, name="definition")


def device_types_sync() -> int:
    """Make the shipped types equal to their files; returns how many versions were published.

    A file that can't be published is logged and left out: the version before it stays in force.
    Types whose file is gone stay: devices may have them.
    """
    in_force = dict(
        DeviceTypeVersion.objects.filter(
            device_type__company=None, status=DeviceTypeVersion.Status.PUBLISHED
        ).values_list("device_type__code", "definition")
    )
    return sum(_sync_file(path, in_force) for path in sorted(_SHIPPED.glob("*.yaml")))


def _sync_file(path: Path, in_force: dict[str, str]) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
        if text in in_force.values():
            return False
        _publish_shipped(text)
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        _log.error("The device type %s is left out: %s", path.name, error)
        return False
    return True


@transaction.atomic
def _publish_shipped(text: str) -> None:
    said = _read(text)
    device_type = DeviceType.objects.filter(company=None, code=said.type).first()
    if device_type is None:
        head = Head(said.type, said.vendor, said.model, said.role, said.resource[0])
        draft = _enter(None, text, head, "")
    else:
        draft = _draft(device_type, text, "", renumber=False)
    device_type_version_publish(actor=None, version=draft)


def _draft(
    device_type: DeviceType, text: str, comment: str, *, renumber: bool = True
) -> DeviceTypeVersion:
    """The next version of a type, as a draft; two at once wait for each other."""
    DeviceType.objects.select_for_update().get(pk=device_type.pk)
    last = device_type.versions.aggregate(last=Max("number"))["last"] or 0
    if renumber and last and is_of_language(text):
        text = with_key(text, "version", last + 1)
    return DeviceTypeVersion.objects.create(
        device_type=device_type, number=last + 1, definition=text, comment=comment[:500]
    )


def _describe(device_type: DeviceType, definition: Definition) -> None:
    """The row of a type says what its definition says."""
    if definition.type != device_type.code:
        _rename(device_type, definition)
    wanted: dict[str, Any] = {
        "manufacturer": definition.vendor,
        "name": definition.model,
        "role": definition.role,
        "resource": definition.resource[0],
    }
    if any(getattr(device_type, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(device_type, name, value)
        device_type.save()


def _rename(device_type: DeviceType, definition: Definition) -> None:
    """Until its first publication a type may get another code."""
    values = {"said": definition.type, "code": device_type.code}
    if _was_published(device_type):
        text = _("The definition says `type: %(said)s`, but this type is called %(code)s.")
        raise MetersError(text % values)
    same = DeviceType.objects.filter(company=device_type.company_id, code=definition.type)
    if same.exists():
        raise MetersError(_("There already is a device type with the code %(said)s.") % values)
    device_type.code = definition.type
    device_type.save()


def _write_templates(version: DeviceTypeVersion, definition: Definition) -> None:
    """One row for each register and reading type; a second time changes nothing."""
    uses = registers_of(definition)
    known = dict(
        ReadingType.objects.filter(code__in={use.reading_type for use in uses}).values_list(
            "code", "pk"
        )
    )
    wanted = {
        (use.register, known[use.reading_type]): use.interval_minutes
        for use in uses
        if use.reading_type in known
    }
    for row in version.registers.all():
        if wanted.get((row.register, row.reading_type_id)) == row.interval_minutes:
            del wanted[row.register, row.reading_type_id]
        else:
            row.delete()
    RegisterTemplate.objects.bulk_create(
        RegisterTemplate(
            version=version, register=register, reading_type_id=key, interval_minutes=minutes
        )
        for (register, key), minutes in wanted.items()
    )


def _clean(text: str) -> str:
    """As it is kept: lines end with one character, and it is not too long."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if len(text) > _LONGEST:
        values = {"length": len(text), "limit": _LONGEST}
        message = _("The definition has %(length)d characters; %(limit)d are allowed.")
        raise MetersError(message % values)
    return text


def _free_code(company: Company | None, code: str) -> str:
    taken = set(DeviceType.objects.filter(company=company).values_list("code", flat=True))
    candidates = (f"{code[:58]}-{number}" for number in range(2, 10_000))
    return code if code not in taken else next(one for one in candidates if one not in taken)


def _check(actor: User | None, version: DeviceTypeVersion, action: str) -> None:
    if actor is None:
        return
    if not DeviceTypeVersion.objects.visible_to(actor, action).filter(pk=version.pk).exists():
        raise MetersError(_("You may not do this with this device type."))


def _check_company(actor: User | None, company: Company | None) -> None:
    if actor is None:
        return
    key = company.pk if company else None
    capability = DeviceType.access.capability("add")
    grants = grants_of(actor)
    allowed = grants.may(capability, key) if key else capability in grants.platform
    if not allowed:
        raise MetersError(_("You may not enter device types in this company."))
