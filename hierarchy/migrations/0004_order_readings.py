"""Readings may be ordered by people who change nothing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("hierarchy", "0003_index_larger_nodes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="node",
            options={
                "default_permissions": (),
                "ordering": ("company_id", "system", "tree_id", "lft"),
                "permissions": [
                    ("use_admin", "Use admin"),
                    ("view_users", "View users"),
                    ("manage_users", "Manage users"),
                    ("view_hierarchy", "View hierarchy"),
                    ("manage_hierarchy", "Manage hierarchy"),
                    ("view_meters", "View meters"),
                    ("manage_meters", "Manage meters"),
                    ("order_readings", "Order readings"),
                    ("export_data", "Export data"),
                ],
                "verbose_name": "node",
                "verbose_name_plural": "nodes",
            },
        ),
    ]
