from importlib import import_module

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig

# Libraries register these for themselves. They know no companies, and some hold what proves who
# somebody is: second factors, sessions, addresses.
_NOT_SHOWN = ("auth.Group", "account.EmailAddress", "mfa.Authenticator", "usersessions.UserSession")


class ReadoutAdminConfig(AdminConfig):
    """The admin of Django with the product's own site."""

    default_site = "config.admin.ReadoutAdminSite"

    def ready(self) -> None:
        super().ready()
        # Tasks that the web process sends off go through the product's own Celery application.
        import_module("config.celery")
        for label in _NOT_SHOWN:
            admin.site.unregister(apps.get_model(label))
