"""The index by module is made when a day is over (meters.partitions.closed_index): kept up while
frames pour in it cost more than half of storing them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0003_registry_changes"),
    ]

    operations = [
        migrations.RunSQL(
            "DROP INDEX ingestion_raw_frame_module",
            "CREATE INDEX ingestion_raw_frame_module"
            " ON ingestion_raw_frame (module_id, received_at)",
        ),
    ]
