"""Tell the collection engine which modules have commands that it does not know, or knows in vain.

What the engine does to commands itself (queued, sent, delivered, answered) leaves no note.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION ingestion_note_commands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ingestion_registry_change (kind, keys)
        SELECT 'commands', array_agg(DISTINCT module_id) FROM after
        WHERE state = 'approved' HAVING count(*) > 0;
    ELSE
        INSERT INTO ingestion_registry_change (kind, keys)
        SELECT 'commands', array_agg(DISTINCT a.module_id) FROM before b JOIN after a USING (id)
        WHERE a.state <> b.state AND a.state IN ('approved', 'cancelled', 'expired', 'unconfirmed')
        HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ingestion_note_commands_insert AFTER INSERT ON meters_command
    REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ingestion_note_commands();
CREATE TRIGGER ingestion_note_commands_update AFTER UPDATE ON meters_command
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ingestion_note_commands();
"""
BACKWARD = """
DROP TRIGGER ingestion_note_commands_update ON meters_command;
DROP TRIGGER ingestion_note_commands_insert ON meters_command;
DROP FUNCTION ingestion_note_commands();
"""
_KINDS = [
    ("modules", "Modules"),
    ("points", "Points"),
    ("types", "Types"),
    ("companies", "Companies"),
    ("commands", "Commands"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0010_interval_parts"),
        ("meters", "0013_commands"),
    ]

    operations = [
        migrations.AlterField(
            model_name="registrychange",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=10),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
