from django.contrib.admin.apps import AdminConfig


class ReadoutAdminConfig(AdminConfig):
    """The admin of Django with the product's own site."""

    default_site = "config.admin.ReadoutAdminSite"
