"""MQTT logins of modules: given, changed, taken away; told to the embedded broker at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.lib.crypto import CryptoError
from ingestion.codecs.universal_frame import Key, device_id, device_label
from ingestion.errors import IngestionError
from ingestion.keys import key_open
from ingestion.models import Claim, MqttLogin
from ingestion.mqtt_brokers import embedded_broker_update
from ingestion.mqtt_passwords import password_make, password_of_secret, password_open, password_seal
from meters.models import TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Login",
    "mqtt_login_give",
    "mqtt_login_revoke",
    "mqtt_login_rotate",
    "mqtt_logins_live",
    "mqtt_logins_publish",
]


class Login(NamedTuple):
    """label: the device id as printed, which is the user name."""

    label: str
    password: str


@transaction.atomic
def mqtt_login_give(*, actor: Any, module: TelemetryModule) -> Login:
    """Let a module speak MQTT; the same login again where it has one.

    The password follows from the module's claim secret where that is known: nobody has to type it
    into the module. actor: None for the system itself.
    """
    module = _locked(actor, module)
    row = MqttLogin.objects.filter(module=module, revoked_at=None).first()
    if row is not None:
        password = password_open(bytes(row.sealed), module_id=module.pk)
        return Login(_label(module), password)
    return _store(module, _password_of_claim(module) or password_make())


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


def mqtt_logins_live() -> Iterator[Login]:
    """Every login that is not revoked; one that can't be opened is left out."""
    rows = MqttLogin.objects.filter(revoked_at=None).order_by("pk")
    for module_id, address, sealed in rows.values_list(
        "module_id", "module__address", "sealed"
    ).iterator(10_000):
        try:
            label = device_label(device_id(address))
            yield Login(label, password_open(bytes(sealed), module_id=module_id))
        except (ValueError, CryptoError):
            continue


def mqtt_logins_publish() -> bool:
    """Write the logins for the embedded broker and have it read them; False: it is not in use."""
    return embedded_broker_update(mqtt_logins_live())


def _store(module: TelemetryModule, password: str) -> Login:
    label = _label(module)
    MqttLogin.objects.update_or_create(
        module=module,
        defaults={
            "sealed": password_seal(password, module_id=module.pk),
            "password_since": timezone.now(),
            "revoked_at": None,
        },
    )
    _publish_later()
    return Login(label, password)


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


def _label(module: TelemetryModule) -> str:
    try:
        return device_label(device_id(module.address))
    except ValueError as error:
        text = _("%(module)s has no address of the form ABC-0000000001.")
        raise IngestionError(text % {"module": module}) from error


def _locked(actor: Any, module: TelemetryModule) -> TelemetryModule:
    rows = TelemetryModule.objects.all()
    if actor is not None:
        rows = TelemetryModule.objects.visible_to(actor, "change")
    if not rows.filter(pk=module.pk).exists():
        raise IngestionError(_("You may not change the MQTT login of this module."))
    return TelemetryModule.objects.select_for_update().get(pk=module.pk)
