"""Keys of modules: issued, rotated, retired, claimed. A key is told once, to whoever issued it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from ingestion.codecs.claim import SECRET_BYTES, read_secret, secret_text
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal_frame import Key, device_id
from ingestion.errors import IngestionError
from ingestion.keys import KEY_BYTES, check_value, key_make, key_open, key_seal
from ingestion.models import Claim, ModuleKey
from meters.models import Command, CommandKind, CommandState, TelemetryModule
from meters.models.commands import OPEN_STATES
from meters.services.commands import commands_move

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "Issued",
    "KeyEntry",
    "claim_enter",
    "claim_make",
    "claim_offer",
    "module_key_confirm",
    "module_key_issue",
    "module_key_retire",
    "module_key_rotate",
    "module_keys_enter",
]

_State = ModuleKey.State
# Longer than a module waits between its tries.
_CLAIM_REPEATS = timedelta(days=1)


class Issued(NamedTuple):
    """A key and its only chance to be read."""

    row: ModuleKey
    key: bytes


@transaction.atomic
def module_key_issue(
    *,
    actor: Any,
    module: TelemetryModule,
    key: bytes | None = None,
    selector: int = ModuleKey.Selector.A,
) -> Issued:
    """Give a module a key that it has already (from its maker) or will be given by hand.

    A key under the same selector is retired. actor: None for the system itself.
    """
    module = _locked(actor, module)
    made = key_make() if key is None else key
    if len(made) != KEY_BYTES or not any(made):
        raise IngestionError(_("A key has 16 bytes, and not all of them are zero."))
    _retire(module, selector)
    return Issued(_create(module, selector, made, _State.ACTIVE), made)


class KeyEntry(NamedTuple):
    """A key that a module has already, under a selector."""

    module: TelemetryModule
    selector: int
    key: bytes


@transaction.atomic
def module_keys_enter(*, actor: Any, entries: Sequence[KeyEntry]) -> None:
    """The same for many modules at once, each selector of a module once; a list of a maker."""
    modules = sorted({entry.module.pk for entry in entries})
    rows = TelemetryModule.objects.filter(pk__in=modules)
    if actor is not None:
        rows = rows.filter(pk__in=TelemetryModule.objects.visible_to(actor, "change").values("pk"))
    if len(rows.order_by("pk").select_for_update().values_list("pk", flat=True)) < len(modules):
        raise IngestionError(_("You may not change the keys of this module."))
    if any(len(entry.key) != KEY_BYTES or not any(entry.key) for entry in entries):
        raise IngestionError(_("A key has 16 bytes, and not all of them are zero."))
    now = timezone.now()
    for selector in ModuleKey.Selector.values:
        changing = [entry.module.pk for entry in entries if entry.selector == selector]
        live = ModuleKey.objects.filter(module__in=changing, selector=selector)
        live.exclude(state=_State.RETIRED).update(state=_State.RETIRED, updated_at=now)
    made = [
        _key_row(entry.module, entry.selector, entry.key, _State.ACTIVE, now) for entry in entries
    ]
    ModuleKey.objects.bulk_create(made, batch_size=2_000)


@transaction.atomic
def module_key_rotate(*, actor: Any, module: TelemetryModule) -> ModuleKey:
    """Offer a new key under the selector that is not in use; the module gets it at its next contact.

    Until a frame under the new key has come both are accepted.
    """
    module = _locked(actor, module)
    live = ModuleKey.objects.filter(module=module).exclude(state=_State.RETIRED)
    active = live.filter(state=_State.ACTIVE).order_by("-valid_from", "-pk").first()
    if active is None:
        raise IngestionError(_("The module has no key in use that a new one could be sent under."))
    other = int(Key(active.selector).other)
    _retire(module, other)
    return _create(module, other, key_make(), _State.OFFERED)


@transaction.atomic
def module_key_retire(*, actor: Any, key: ModuleKey) -> None:
    """Take a key out of use; frames sealed with it are refused from now on."""
    _locked(actor, key.module)
    ModuleKey.objects.filter(pk=key.pk).update(state=_State.RETIRED, updated_at=timezone.now())


@transaction.atomic
def module_key_confirm(*, module_id: int, selector: int, key: bytes) -> bool:
    """The first frame under an offered key has come: it is in use, the other ended, a claim spent.

    False: the key was taken back meanwhile. Frames under it must not be acknowledged, for the
    module would then forget the key that still counts.
    """
    now = timezone.now()
    keys = ModuleKey.objects.filter(module_id=module_id)
    live = keys.filter(selector=selector).exclude(state=_State.RETIRED)
    used = live.filter(check_value=check_value(key)).select_for_update().first()
    if used is None or used.state == _State.ACTIVE:
        return used is not None
    keys.filter(pk=used.pk).update(state=_State.ACTIVE, valid_from=now, updated_at=now)
    others = keys.filter(state=_State.ACTIVE).exclude(selector=selector)
    others.update(state=_State.RETIRED, updated_at=now)
    claims = Claim.objects.filter(module_id=module_id, spent_at=None)
    claims.update(spent_at=now, updated_at=now)
    # Not those that ended with another key, of long ago.
    meant = Q(state__in=OPEN_STATES) | Q(created_at__gte=used.created_at)
    ordered = Command.objects.filter(meant, module_id=module_id, kind=CommandKind.NEW_KEY)
    commands_move(commands=ordered, to=CommandState.CONFIRMED, at=now)
    return True


@transaction.atomic
def claim_enter(*, actor: Any, module: TelemetryModule, secret: str) -> Claim:
    """Note the secret printed on a module; its next hello then gets the module its first key."""
    module = _locked(actor, module)
    try:
        key = read_secret(device_id(module.address), secret)
    except DecodeError as error:
        raise IngestionError(
            _("The claim secret was mistyped, or it is printed on another module.")
        ) from error
    except ValueError as error:
        raise _without_address(module) from error
    sealed = key_seal(key, module_id=module.pk, selector=Key.CLAIM)
    known = Claim.objects.filter(module=module).first()
    if known is not None and known.spent_at is not None and _same(known, key):
        raise IngestionError(_("This secret is spent: a module is claimed only once."))
    return Claim.objects.update_or_create(
        module=module, defaults={"sealed": sealed, "spent_at": None}
    )[0]


@transaction.atomic
def claim_make(*, actor: Any, module: TelemetryModule) -> tuple[Claim, str]:
    """Make a claim secret for a module that has none yet; the text is its only chance to be read."""
    try:
        text = secret_text(device_id(module.address), os.urandom(SECRET_BYTES))
    except ValueError as error:
        raise _without_address(module) from error
    return claim_enter(actor=actor, module=module, secret=text), text


def _without_address(module: TelemetryModule) -> IngestionError:
    text = _("%(module)s has no address of the form ABC-0000000001.")
    return IngestionError(text % {"module": module})


@transaction.atomic
def claim_offer(*, module_id: int, at: datetime, again: bool = False) -> bytes | None:
    """The key that answers a claim: the same one until it is used. None: the claim is spent.

    again: the very frame came before; whoever recorded it gets no answer to it a day later.
    """
    claim = Claim.objects.select_for_update().filter(module_id=module_id, spent_at=None).first()
    if claim is None:
        return None
    selector = ModuleKey.Selector.A
    offered = ModuleKey.objects.filter(
        module_id=module_id,
        selector=selector,
        state=_State.OFFERED,
        valid_from__gte=claim.created_at,
    ).first()
    if offered is not None:
        if again and at - offered.valid_from > _CLAIM_REPEATS:
            return None
        return key_open(bytes(offered.sealed), module_id=module_id, selector=selector)
    _retire(claim.module, selector)
    key = key_make()
    _create(claim.module, selector, key, _State.OFFERED, at)
    return key


def _create(
    module: TelemetryModule,
    selector: int,
    key: bytes,
    state: ModuleKey.State,
    at: datetime | None = None,
) -> ModuleKey:
    row = _key_row(module, selector, key, state, at or timezone.now())
    row.save()
    return row


def _key_row(
    module: TelemetryModule, selector: int, key: bytes, state: ModuleKey.State, at: datetime
) -> ModuleKey:
    return ModuleKey(
        module=module,
        selector=selector,
        sealed=key_seal(key, module_id=module.pk, selector=selector),
        check_value=check_value(key),
        state=state,
        valid_from=at,
    )


def _retire(module: TelemetryModule, selector: int) -> None:
    live = ModuleKey.objects.filter(module=module, selector=selector).exclude(state=_State.RETIRED)
    live.update(state=_State.RETIRED, updated_at=timezone.now())


def _same(claim: Claim, key: bytes) -> bool:
    return key_open(bytes(claim.sealed), module_id=claim.module_id, selector=Key.CLAIM) == key


def _locked(actor: Any, module: TelemetryModule) -> TelemetryModule:
    rows = TelemetryModule.objects.all()
    if actor is not None:
        rows = TelemetryModule.objects.visible_to(actor, "change")
    if not rows.filter(pk=module.pk).exists():
        raise IngestionError(_("You may not change the keys of this module."))
    return TelemetryModule.objects.select_for_update().get(pk=module.pk)
