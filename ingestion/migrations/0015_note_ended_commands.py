"""Note ended commands too: of several engines only one hears the module, and all know the command."""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION ingestion_note_commands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ingestion_registry_change (kind, keys)
        SELECT 'commands', array_agg(DISTINCT module_id) FROM after
        WHERE state = 'approved' HAVING count(*) > 0;
    ELSE
        INSERT INTO ingestion_registry_change (kind, keys)
        SELECT 'commands', array_agg(DISTINCT a.module_id) FROM before b JOIN after a USING (id)
        WHERE a.state <> b.state AND a.state {states} HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
"""
FORWARD = _FUNCTION.format(states="NOT IN ('requested', 'queued', 'sent', 'delivered')")
BACKWARD = _FUNCTION.format(states="IN ('approved', 'cancelled', 'expired', 'unconfirmed')")


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0014_mqtt_password_since")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
