"""MQTT logins of modules: given, changed, taken away; told to the embedded broker at once.

A module of another protocol gets the right to publish to topics of its device type, see
`ingestion.mqtt_rights`. They are sealed with its password: a new address or type gives no new right
until the login is given again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.lib.crypto import CryptoError
from ingestion.codecs.universal_frame import Key, device_id, device_label
from ingestion.errors import IngestionError
from ingestion.foreign.messages import normal
from ingestion.foreign.sql import FOREIGN_TYPES
from ingestion.keys import key_open
from ingestion.models import Claim, MqttLogin
from ingestion.mqtt_brokers import embedded_broker_update
from ingestion.mqtt_passwords import password_make, password_of_secret, password_open, password_seal
from ingestion.mqtt_rights import Listening, check_apart, heard_as, listening, rights_of
from ingestion.transports.mqtt_topics import filters_of
from meters.models import DeviceTypeVersion, TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Login",
    "mqtt_login_give",
    "mqtt_login_label",
    "mqtt_login_revoke",
    "mqtt_login_rotate",
    "mqtt_logins_live",
    "mqtt_logins_publish",
]


# As `FOREIGN_TYPES` tells them.
_DECODES = r"(^|\n)decode:"
# The identity of a module as messages are compared with it, see `ingestion.foreign.messages.normal`.
_NAMESAKES = f"""
SELECT EXISTS (
  SELECT FROM meters_telemetrymodule m
  WHERE m.id <> %s AND m.device_type_id = ANY(%s) AND m.device_type_id IN ({FOREIGN_TYPES})
  AND regexp_replace(upper(coalesce(nullif(m.address, ''), m.serial)), '[^0-9A-Z]+', '', 'g')
    = ANY(%s)
)
"""


class Login(NamedTuple):
    """label: the user name; of a universal module its device id as printed.

    topics: filters that a module of another protocol may publish to; it may read nothing.
    """

    label: str
    password: str
    topics: tuple[str, ...] = ()


@transaction.atomic
def mqtt_login_give(*, actor: Any, module: TelemetryModule) -> Login:
    """Let a module speak MQTT; the same login again where it has one.

    The password follows from the module's claim secret where that is known: nobody has to type it
    into the module. A module of another protocol gets the topics that its type and its address
    give now. IngestionError: it can have none, with what to do. actor: None for the system itself.
    """
    module = _locked(actor, module)
    row = MqttLogin.objects.filter(module=module, revoked_at=None).first()
    if row is None:
        return _store(module, _password_of_claim(module) or password_make())
    label, topics = _label_and_topics(module)
    kept = _opened(module.pk, module.address, password_open(bytes(row.sealed), module_id=module.pk))
    if kept.label == label and kept.topics == topics:
        return kept
    return _store(module, kept.password)


@transaction.atomic
def mqtt_login_rotate(*, actor: Any, module: TelemetryModule) -> Login:
    """A new random password; the old one ends at the module's next connection."""
    return _store(_locked(actor, module), password_make())


@transaction.atomic
def mqtt_login_revoke(*, actor: Any, module: TelemetryModule) -> None:
    """The module may no longer connect."""
    now = timezone.now()
    rows = MqttLogin.objects.filter(module=_locked(actor, module), revoked_at=None)
    rows.update(revoked_at=now, updated_at=now)
    _publish_later()


def mqtt_login_label(row: MqttLogin) -> str:
    """The user name; "" where it can't be told, as the module has another address now."""
    try:
        plain = password_open(bytes(row.sealed), module_id=row.module_id)
        return _opened(row.module_id, row.module.address, plain).label
    except CryptoError:
        return ""


def mqtt_logins_live() -> Iterator[Login]:
    """Every login that is not revoked; one that can't be opened is left out.

    So is one of a module of another protocol whose address has changed since.
    """
    rows = MqttLogin.objects.filter(revoked_at=None).order_by("pk")
    for module_id, address, sealed in rows.values_list(
        "module_id", "module__address", "sealed"
    ).iterator(10_000):
        try:
            login = _opened(module_id, address, password_open(bytes(sealed), module_id=module_id))
        except CryptoError:
            continue
        if login.label:
            yield login


def mqtt_logins_publish() -> bool:
    """Write the logins for the embedded broker and have it read them; False: it is not in use."""
    return embedded_broker_update(mqtt_logins_live())


def _store(module: TelemetryModule, password: str) -> Login:
    label, topics = _label_and_topics(module)
    text = "\n".join([password, module.address, *topics] if topics else [password])
    MqttLogin.objects.update_or_create(
        module=module,
        defaults={
            "sealed": password_seal(text, module_id=module.pk),
            "password_since": timezone.now(),
            "revoked_at": None,
        },
    )
    _publish_later()
    return Login(label, password, topics)


def _opened(module_id: int, address: str, plain: str) -> Login:
    """What was sealed; without a user name where it was for another address."""
    password, *rest = plain.split("\n")
    if rest:
        label = _foreign_label(module_id, address) if rest[0] == address else ""
        return Login(label, password, tuple(rest[1:]))
    try:
        return Login(device_label(device_id(address)), password)
    except ValueError:
        return Login("", password)


def _foreign_label(module_id: int, address: str) -> str:
    """No two modules have the same, none has a device id, nor the name of the server's own user."""
    return f"m{module_id}-{address}"


def _publish_later() -> None:
    """Once for all the changes of a transaction: the broker reads all logins anew."""
    waiting = transaction.get_connection().run_on_commit
    if not any(step[1] is mqtt_logins_publish for step in waiting):
        # Robust: a broker that can't be told now is told by `manage.py mqtt_logins publish`.
        transaction.on_commit(mqtt_logins_publish, robust=True)


def _password_of_claim(module: TelemetryModule) -> str | None:
    claim = Claim.objects.filter(module=module).first()
    if claim is None:
        return None
    secret = key_open(bytes(claim.sealed), module_id=module.pk, selector=Key.CLAIM)
    return password_of_secret(secret)


def _label_and_topics(module: TelemetryModule) -> tuple[str, tuple[str, ...]]:
    """User name and rights; no topics for a universal module, whose device id says its own."""
    definition = _definition(module)
    if definition is not None:
        return _foreign_label(module.pk, module.address), _topics(module, definition)
    try:
        return device_label(device_id(module.address)), ()
    except ValueError as error:
        text = _("%(module)s has no address of the form ABC-0000000001.")
        raise IngestionError(text % {"module": module}) from error


def _definition(module: TelemetryModule) -> str | None:
    """What the module's type says of decoding; None where it speaks the universal protocol."""
    rows = DeviceTypeVersion.objects.filter(
        device_type=module.device_type_id, status="published", definition__regex=_DECODES
    )
    return rows.values_list("definition", flat=True).first()


def _topics(module: TelemetryModule, definition: str) -> tuple[str, ...]:
    kind = listening(definition)
    if kind is None:
        text = _(
            "The server listens to no topic for the device type “%(type)s”. Duplicate the type, add"
            " “topic: …/{device}/…” and “device: $topic.device” to its “identify”, publish it and"
            " give it to the module."
        )
        raise IngestionError(text % {"type": module.device_type})
    topics = rights_of(kind, module.address)
    check_apart(topics, filters_of(settings.INGEST_MQTT_TOPICS))
    named = heard_as(topics, _listening())
    named |= {(module.device_type_id, normal(module.address))}
    if _has_namesake(module, named):
        raise IngestionError(
            _(
                "Another module is found by the address “%(address)s” too, or by a word of its topic"
                " (letters and digits count only, and modules of all companies), so it could not"
                " be told whose message it is. Give this module another network address, and the"
                " device the same in its MQTT settings."
            )
            % {"address": module.address}
        )
    return topics


def _listening() -> list[tuple[int, Listening]]:
    """The published types that listen to topics."""
    rows = DeviceTypeVersion.objects.filter(status="published", definition__contains="topic")
    found = rows.values_list("device_type_id", "definition")
    return [(number, kind) for number, text in found if (kind := listening(text)) is not None]


def _has_namesake(module: TelemetryModule, named: set[tuple[int, str]]) -> bool:
    types, identities = zip(*named, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_NAMESAKES, [module.pk, list(types), list(identities)])
        return bool(cursor.fetchone()[0])


def _locked(actor: Any, module: TelemetryModule) -> TelemetryModule:
    rows = TelemetryModule.objects.all()
    if actor is not None:
        rows = TelemetryModule.objects.visible_to(actor, "change")
    if not rows.filter(pk=module.pk).exists():
        raise IngestionError(_("You may not change the MQTT login of this module."))
    return TelemetryModule.objects.select_for_update().get(pk=module.pk)
