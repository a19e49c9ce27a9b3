"""MQTT logins of modules in the admin: given, changed, taken away; a password is shown once.

Beside the password of a module of another protocol stands what its settings ask for: where to
connect, topics.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.base import CompanyFilter
from accounts.admin.writing import ServiceForm
from ingestion.models import MqttLogin
from ingestion.services.mqtt_logins import (
    Login,
    mqtt_login_give,
    mqtt_login_label,
    mqtt_login_revoke,
    mqtt_login_rotate,
)
from ingestion.transports.mqtt_session import BrokerAddress

from .keys import SecretAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

__all__ = ["MqttLoginAdmin"]

# Passwords that one page shows; more are written to a file by `manage.py mqtt_logins`.
_SHOWN = 50


class MqttLoginForm(ServiceForm):
    """The module that may speak MQTT."""

    class Meta:
        model = MqttLogin
        fields = ("module",)
        help_texts: ClassVar = {
            "module": gettext_lazy(
                "A module of the universal protocol, or one of another whose device type listens to"
                " a topic. The user name of the first is its device id. That of the second is m,"
                " the number of the module, a hyphen and its network address, which may have"
                " letters A to Z, digits, - and _ only; it may publish to the topics of its type"
                " with this address in them, and read nothing."
            ),
        }

    def _get_validation_exclusions(self) -> set[str]:
        # A login that was revoked is given anew.
        return super()._get_validation_exclusions() | {"module"}

    def validate_unique(self) -> None:
        return

    def clean_module(self) -> Any:
        module = self.cleaned_data["module"]
        if MqttLogin.objects.filter(module=module, revoked_at=None).exists():
            text = _("This module has a login. Give it a new password in the list of logins.")
            raise ValidationError(text)
        return module

    def write(self) -> MqttLogin:
        self.give()
        return MqttLogin.objects.get(module=self.cleaned_data["module"])

    def give(self) -> Login:
        """The login; the answer is the only place its password stands in the clear."""
        return mqtt_login_give(actor=self.actor, module=self.cleaned_data["module"])


@admin.register(MqttLogin)
class MqttLoginAdmin(SecretAdmin):
    """The user name follows from the module's address. Brokers get the logins by `mqtt_logins export`."""

    form = MqttLoginForm
    shown_template = "admin/ingestion/logins_shown.html"
    list_display = ("module", "user_name", "state", "password_since", "revoked_at", "company_name")
    list_filter = (CompanyFilter, ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("module__company",)
    search_fields = ("^module__serial", "^module__address")
    search_help_text = gettext_lazy("Serial number or device id")
    ordering = ("-created_at", "pk")
    sortable_by = ("password_since",)
    linked_lookups = ("module",)
    autocomplete_fields = ("module",)
    actions = ("rotate", "revoke")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["module"]
        return ["module", "user_name", "state", "password_since", "revoked_at", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    @admin.display(description=gettext_lazy("user name"))
    def user_name(self, row: MqttLogin) -> str:
        return mqtt_login_label(row) or _("the module has another address now")

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: MqttLogin) -> str:
        return _("in use") if row.revoked_at is None else _("revoked")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        login = form.give()
        obj.__dict__.update(MqttLogin.objects.get(module=obj.module_id).__dict__)
        obj.made = login

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._shown(request, [(str(obj.module), obj.made)])

    @admin.action(description=gettext_lazy("Give a new password"), permissions=["manage"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[MqttLogin]) -> HttpResponse | None:
        rows = list(queryset.select_related("module")[: _SHOWN + 1])
        if len(rows) > _SHOWN:
            text = _("More than %(limit)d logins are selected. Their passwords fit no page.")
            messages.error(request, text % {"limit": _SHOWN})
            return None
        made: list[tuple[str, Login]] = []
        # In one transaction, so that a broker is told once.
        with transaction.atomic():
            for row in rows:
                try:
                    login = mqtt_login_rotate(actor=request.user, module=row.module)
                    made.append((str(row.module), login))
                except ValidationError as error:
                    messages.error(request, f"{row}: {' '.join(error.messages)}")
        return self._shown(request, made) if made else None

    @admin.action(description=gettext_lazy("Take away"), permissions=["manage"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[MqttLogin]) -> None:
        with transaction.atomic():
            self.each_allowed(
                request,
                queryset,
                lambda row: mqtt_login_revoke(actor=request.user, module=row.module),
                _("%(count)d modules may no longer connect over MQTT."),
            )

    def _shown(self, request: HttpRequest, made: list[tuple[str, Login]]) -> HttpResponse:
        """The page with the passwords, which nothing keeps."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name,
            "made": made,
            "places": _places() if any(login.topics for _module, login in made) else None,
        }
        answer = TemplateResponse(request, self.shown_template, context)
        answer["Cache-Control"] = "no-store"
        return answer


def _places() -> list[dict[str, Any]]:
    """Where modules of other protocols connect; without the server's own user and password."""
    places = []
    if settings.INGEST_MQTT_PORT >= 0:
        name, host = _("Straight to the server"), settings.INGEST_HOST
        places.append(_place(name, host, settings.INGEST_MQTT_PORT, encrypted=False))
    if settings.MQTT_URL:
        broker = BrokerAddress.parse(settings.MQTT_URL)
        name = _("By the broker")
        places.append(_place(name, broker.host, broker.port, encrypted=broker.encrypted))
    return places


def _place(name: str, host: str, port: int, *, encrypted: bool) -> dict[str, Any]:
    try:
        address = ip_address(host)
    except ValueError:
        is_any, is_local = not host, host == "localhost"
    else:
        is_any, is_local = address.is_unspecified, address.is_loopback
    return {
        "name": name,
        # Of a server that listens at all its addresses nobody here knows which devices reach.
        "host": "" if is_any else host,
        "port": port,
        "encrypted": encrypted,
        "is_local": is_local,
    }
