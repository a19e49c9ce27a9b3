"""Messages of foreign protocols are found again by who sent them.

`identity`: NULL for frames of the universal protocol, "" where no device type recognises a message.
"""

from django.db import migrations, models

FORWARD = """
ALTER TABLE ingestion_raw_frame ADD COLUMN identity text;
CREATE INDEX ingestion_raw_frame_identity ON ingestion_raw_frame (identity, received_at)
    WHERE outcome <> 0 AND identity IS NOT NULL;
"""
BACKWARD = """
DROP INDEX ingestion_raw_frame_identity;
ALTER TABLE ingestion_raw_frame DROP COLUMN identity;
"""


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0015_note_ended_commands")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AlterField(
            model_name="quarantine",
            name="device",
            field=models.CharField(blank=True, max_length=64, verbose_name="device"),
        ),
    ]
