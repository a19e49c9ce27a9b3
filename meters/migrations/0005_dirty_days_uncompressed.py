"""Dirty rows live for seconds: compressing their arrays costs more than it saves."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0004_index_beginnings_and_uses"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE meters_dirty_day ALTER COLUMN channels SET STORAGE EXTERNAL",
            "ALTER TABLE meters_dirty_day ALTER COLUMN channels SET STORAGE EXTENDED",
        ),
    ]
