"""Frames kept can be tried again: found by device, brought up to date, asked for by what changed.

The bytes, the time, the source and an accepted counter of a raw frame still never change; what
became of it does, and the module and the counter of a frame nobody could open are filled in.
"""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

FRAMES = """
DROP INDEX ingestion_raw_frame_outcome;
CREATE INDEX ingestion_raw_frame_kept ON ingestion_raw_frame (received_at, id)
    WHERE outcome <> 0;
CREATE INDEX ingestion_raw_frame_device
    ON ingestion_raw_frame (substring(payload FROM 2 FOR 8), received_at) WHERE outcome <> 0;
DROP TRIGGER ingestion_raw_frame_immutable ON ingestion_raw_frame;
CREATE TRIGGER ingestion_raw_frame_immutable BEFORE UPDATE ON ingestion_raw_frame
    FOR EACH ROW WHEN (
        (OLD.id, OLD.received_at, OLD.transport, OLD.source, OLD.payload)
            IS DISTINCT FROM (NEW.id, NEW.received_at, NEW.transport, NEW.source, NEW.payload)
        OR (OLD.counter IS NOT NULL AND NEW.counter IS DISTINCT FROM OLD.counter)
        OR (OLD.counter IS NOT NULL AND NEW.module_id IS DISTINCT FROM OLD.module_id)
    ) EXECUTE FUNCTION ingestion_raw_frame_refuse();
"""
FRAMES_BACK = """
DROP TRIGGER ingestion_raw_frame_immutable ON ingestion_raw_frame;
CREATE TRIGGER ingestion_raw_frame_immutable
    BEFORE UPDATE OF id, received_at, counter, transport, source, payload ON ingestion_raw_frame
    FOR EACH ROW EXECUTE FUNCTION ingestion_raw_frame_refuse();
DROP INDEX ingestion_raw_frame_device;
DROP INDEX ingestion_raw_frame_kept;
CREATE INDEX ingestion_raw_frame_outcome ON ingestion_raw_frame (outcome, received_at)
    WHERE outcome <> 0;
"""
# As in 0003, and a row for the replay beside the one for the registry.
_FUNCTION = """
CREATE OR REPLACE FUNCTION ingestion_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rows text;
    old_columns text;
    new_columns text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        rows := format('SELECT %s AS key FROM after', TG_ARGV[1]);
    ELSIF TG_OP = 'DELETE' THEN
        rows := format('SELECT %s AS key FROM before', TG_ARGV[1]);
    ELSE
        SELECT string_agg('b.' || c, ','), string_agg('a.' || c, ',')
        INTO old_columns, new_columns FROM unnest(string_to_array(TG_ARGV[2], ' ')) c;
        rows := format(
            'SELECT unnest(ARRAY[b.%1$s, a.%1$s]) AS key FROM before b JOIN after a USING (id)'
            ' WHERE (%2$s) IS DISTINCT FROM (%3$s)', TG_ARGV[1], old_columns, new_columns);
    END IF;
    EXECUTE format({statement});
    RETURN NULL;
END $$;
"""
_NOTE_BOTH = """
        'WITH noted AS (INSERT INTO ingestion_registry_change (kind, keys)'
        ' SELECT %1$L, array_agg(DISTINCT key) FROM (%2$s) s WHERE key IS NOT NULL'
        ' HAVING count(*) > 0 RETURNING kind, keys)'
        ' INSERT INTO ingestion_replay_request (kind, keys) SELECT kind, keys FROM noted'
        ' WHERE %3$L <> ''DELETE''', TG_ARGV[0], rows, TG_OP"""
_NOTE_ONE = """
        'INSERT INTO ingestion_registry_change (kind, keys)'
        ' SELECT %L, array_agg(DISTINCT key) FROM (%s) s WHERE key IS NOT NULL'
        ' HAVING count(*) > 0', TG_ARGV[0], rows"""


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0005_quarantine_same_company")]

    operations = [
        migrations.AddField(
            model_name="quarantine",
            name="waiting",
            field=models.BigIntegerField(default=0, verbose_name="of them waiting"),
        ),
        migrations.RunSQL(
            "UPDATE ingestion_quarantine SET waiting = kept"
            " WHERE reason NOT IN ('malformed', 'replayed')",
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name="ReplayRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("modules", "Modules"),
                            ("points", "Points"),
                            ("types", "Types"),
                            ("companies", "Companies"),
                            ("devices", "Devices"),
                            ("everything", "Everything"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                (
                    "failed",
                    models.CharField(blank=True, db_default="", default="", max_length=300),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"db_table": "ingestion_replay_request", "default_permissions": ()},
        ),
        migrations.RunSQL(FRAMES, FRAMES_BACK),
        migrations.RunSQL(
            _FUNCTION.replace("{statement}", _NOTE_BOTH.strip()),
            _FUNCTION.replace("{statement}", _NOTE_ONE.strip()),
        ),
    ]
