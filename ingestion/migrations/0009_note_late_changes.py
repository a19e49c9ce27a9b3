"""Note which usage points have to be worked out anew: their installations changed for the past.

A change counts where register readings of that time are stored. Statements of very many rows are
initial imports: what they bring has no readings yet, and asking for each would cost the import.
"""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION ingestion_note_late_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM after LIMIT 1001) few) > 1000 THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ingestion_late_change (usage_point_id, since)
        SELECT usage_point_id, min(installed_at) FROM after a
        WHERE ingestion_has_readings(usage_point_id, installed_at) GROUP BY usage_point_id;
    ELSE
        INSERT INTO ingestion_late_change (usage_point_id, since)
        SELECT s.usage_point_id, min(s.since) FROM (
            SELECT a.usage_point_id, CASE
                WHEN (a.usage_point_id, a.meter_id, a.installed_at, a.multiplier)
                    IS DISTINCT FROM (b.usage_point_id, b.meter_id, b.installed_at, b.multiplier)
                THEN least(a.installed_at, b.installed_at)
                ELSE least(a.removed_at, b.removed_at) END AS since
            FROM before b JOIN after a USING (id)
            WHERE (a.usage_point_id, a.meter_id, a.installed_at, a.removed_at, a.multiplier)
                IS DISTINCT FROM
                (b.usage_point_id, b.meter_id, b.installed_at, b.removed_at, b.multiplier)
        ) s WHERE ingestion_has_readings(s.usage_point_id, s.since) GROUP BY s.usage_point_id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION ingestion_has_readings(point bigint, since timestamptz) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM meters_channel c, LATERAL (
        SELECT 1 FROM meters_register_reading r
        WHERE r.channel_id = c.id AND r.at >= since LIMIT 1) found
    WHERE c.usage_point_id = point)
$$;
CREATE TRIGGER ingestion_note_late_insert AFTER INSERT ON meters_installation
    REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ingestion_note_late_change();
CREATE TRIGGER ingestion_note_late_update AFTER UPDATE ON meters_installation
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION ingestion_note_late_change();
"""
BACKWARD = """
DROP TRIGGER ingestion_note_late_update ON meters_installation;
DROP TRIGGER ingestion_note_late_insert ON meters_installation;
DROP FUNCTION ingestion_note_late_change();
DROP FUNCTION ingestion_has_readings(bigint, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0008_second_decodings")]

    operations = [
        migrations.CreateModel(
            name="LateChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("usage_point_id", models.BigIntegerField()),
                ("since", models.DateTimeField()),
            ],
            options={"db_table": "ingestion_late_change", "default_permissions": ()},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
