from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from . import activity_signals

        activity_signals.connect()
        pre_migrate.connect(_before_migrate, sender=self, dispatch_uid="accounts.before_migrate")
        post_migrate.connect(_after_migrate, dispatch_uid="accounts.after_migrate")


def _before_migrate(using: str, plan: Any = (), **kwargs: Any) -> None:
    """A view over the event tables would keep migrations from changing them."""
    from .services.audit_view import audit_view_drop

    if plan:
        audit_view_drop(using=using)


def _after_migrate(sender: AppConfig, using: str, plan: Any = (), **kwargs: Any) -> None:
    """Once all apps have their tables and permissions: shipped roles and the audit view.

    Migrating to an earlier state leaves both for the migration that completes it.
    """
    from .services.audit_view import audit_view_build
    from .services.roles import shipped_roles_sync

    if sender is not _last_app() or (plan and not _is_complete(using)):
        return
    shipped_roles_sync()
    audit_view_build(using=using)


def _last_app() -> AppConfig:
    return [config for config in apps.get_app_configs() if config.models_module is not None][-1]


def _is_complete(using: str) -> bool:
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections[using])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
