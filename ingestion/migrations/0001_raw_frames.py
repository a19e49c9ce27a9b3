"""Raw frames: partitioned by day; what was received can't be changed."""

from django.db import migrations, models


from ingestion.models.frames import FRAMES
from meters import partitions

# The bytes are the last column: the others are read without them.
FORWARD = """
CREATE SEQUENCE ingestion_raw_frame_id_seq INCREMENT BY 1024;
CREATE TABLE ingestion_raw_frame (
    id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    module_id bigint,
    counter bigint,
    transport smallint NOT NULL,
    outcome smallint NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX ingestion_raw_frame_module ON ingestion_raw_frame (module_id, received_at);
CREATE INDEX ingestion_raw_frame_outcome ON ingestion_raw_frame (outcome, received_at)
    WHERE outcome <> 0;
CREATE FUNCTION ingestion_raw_frame_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a raw frame stays as it was received' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ingestion_raw_frame_immutable
    BEFORE UPDATE OF id, received_at, counter, transport, source, payload ON ingestion_raw_frame
    FOR EACH ROW EXECUTE FUNCTION ingestion_raw_frame_refuse();
"""
BACKWARD = """
DROP TABLE ingestion_raw_frame;
DROP SEQUENCE ingestion_raw_frame_id_seq;
DROP FUNCTION ingestion_raw_frame_refuse();
"""


def make_partitions(apps, schema_editor):
    partitions.upkeep([FRAMES])


class Migration(migrations.Migration):
    initial = True

    dependencies = [("meters", "0002_archives")]

    operations = [
        migrations.CreateModel(
            name="RawFrame",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "id",
                        "received_at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.BigIntegerField()),
                ("received_at", models.DateTimeField(verbose_name="received")),
                (
                    "transport",
                    models.SmallIntegerField(
                        choices=[(1, "UDP"), (2, "TCP"), (3, "MQTT"), (4, "import")],
                        verbose_name="transport",
                    ),
                ),
                (
                    "outcome",
                    models.SmallIntegerField(
                        choices=[
                            (0, "stored"),
                            (1, "partly stored"),
                            (2, "refused"),
                            (3, "in quarantine"),
                        ],
                        verbose_name="outcome",
                    ),
                ),
                ("counter", models.BigIntegerField(null=True, verbose_name="frame counter")),
                ("source", models.TextField(verbose_name="source address")),
                ("payload", models.BinaryField(verbose_name="bytes")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
            ],
            options={
                "verbose_name": "raw frame",
                "verbose_name_plural": "raw frames",
                "db_table": "ingestion_raw_frame",
                "ordering": ("-received_at", "-id"),
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
    ]
