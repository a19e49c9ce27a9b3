"""What changes with every frame moves out of the modules, whose triggers and indexes it concerned."""

import django.db.models.deletion
from django.db import migrations, models

# Room for a new version of every row of a page, so that no index is touched.
_MOVE = """
ALTER TABLE meters_modulestate SET (fillfactor = 45);
INSERT INTO meters_modulestate (module_id, last_seen_at, battery_percent, signal_dbm)
SELECT id, last_seen_at, battery_percent, signal_dbm FROM meters_telemetrymodule
WHERE last_seen_at IS NOT NULL ORDER BY id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE meters_telemetrymodule RESET (fillfactor)
"""
_MOVE_BACK = """
ALTER TABLE meters_telemetrymodule SET (fillfactor = 50);
UPDATE meters_telemetrymodule m SET last_seen_at = s.last_seen_at,
    battery_percent = s.battery_percent, signal_dbm = s.signal_dbm
FROM meters_modulestate s WHERE s.module_id = m.id;
SET CONSTRAINTS ALL IMMEDIATE
"""


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0016_volume_at_base_conditions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModuleState",
            fields=[
                (
                    "module",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="meters.telemetrymodule",
                        verbose_name="telemetry module",
                    ),
                ),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                (
                    "battery_percent",
                    models.PositiveSmallIntegerField(null=True, verbose_name="battery, %"),
                ),
                ("signal_dbm", models.SmallIntegerField(null=True, verbose_name="signal, dBm")),
            ],
            options={
                "verbose_name": "state of a module",
                "verbose_name_plural": "states of modules",
            },
        ),
        migrations.RunSQL(_MOVE, _MOVE_BACK),
        migrations.RemoveField(model_name="telemetrymodule", name="battery_percent"),
        migrations.RemoveField(model_name="telemetrymodule", name="last_seen_at"),
        migrations.RemoveField(model_name="telemetrymodule", name="signal_dbm"),
    ]
