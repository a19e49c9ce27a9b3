"""Readings may be ordered by people who change nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_view_and_seals"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="company",
            options={
                "default_permissions": (),
                "ordering": ("name",),
                "permissions": [
                    ("use_admin", "Use admin"),
                    ("view_company", "View company"),
                    ("manage_company", "Manage company"),
                    ("view_users", "View users"),
                    ("manage_users", "Manage users"),
                    ("manage_roles", "Manage roles"),
                    ("view_audit", "View audit"),
                    ("view_hierarchy", "View hierarchy"),
                    ("manage_hierarchy", "Manage hierarchy"),
                    ("view_meters", "View meters"),
                    ("manage_meters", "Manage meters"),
                    ("order_readings", "Order readings"),
                    ("view_device_types", "View device types"),
                    ("manage_device_types", "Manage device types"),
                    ("import_data", "Import data"),
                    ("export_data", "Export data"),
                    ("manage_platform", "Manage platform"),
                ],
                "verbose_name": "company",
                "verbose_name_plural": "companies",
            },
        ),
        migrations.AlterField(
            model_name="role",
            name="permissions",
            field=models.ManyToManyField(
                limit_choices_to={
                    "codename__in": [
                        "use_admin",
                        "view_company",
                        "manage_company",
                        "view_users",
                        "manage_users",
                        "manage_roles",
                        "view_audit",
                        "view_hierarchy",
                        "manage_hierarchy",
                        "view_meters",
                        "manage_meters",
                        "order_readings",
                        "view_device_types",
                        "manage_device_types",
                        "import_data",
                        "export_data",
                    ],
                    "content_type__app_label": "accounts",
                    "content_type__model": "company",
                },
                related_name="roles",
                through="accounts.RolePermission",
                to="auth.permission",
                verbose_name="permissions",
            ),
        ),
    ]
