"""Room for new versions: when a module was last heard changes all the time, its indexes need not."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0010_device_events"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE meters_telemetrymodule SET (fillfactor = 50)",
            "ALTER TABLE meters_telemetrymodule RESET (fillfactor)",
        ),
    ]
