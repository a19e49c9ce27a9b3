"""What the inputs of modules count; a change is noted for the engine, and replays what waits."""

import django.core.validators
import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from decimal import Decimal
from django.db import migrations, models


# As in 0003 for the other tables that the engine reads.
_EVENTS = {
    "insert": "REFERENCING NEW TABLE AS after",
    "update": "REFERENCING OLD TABLE AS before NEW TABLE AS after",
    "delete": "REFERENCING OLD TABLE AS before",
}
NOTED = "".join(
    f"CREATE TRIGGER ingestion_note_inputs_{event} AFTER {event} ON ingestion_moduleinput {tables}"
    " FOR EACH STATEMENT EXECUTE FUNCTION ingestion_note_change('modules', 'module_id',"
    " 'module_id port pulse_weight pulse_unit sampling_period');"
    for event, tables in _EVENTS.items()
)
NOTED_NO_MORE = "".join(
    f"DROP TRIGGER ingestion_note_inputs_{event} ON ingestion_moduleinput;" for event in _EVENTS
)


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0016_foreign_identities"),
        ("meters", "0004_index_beginnings_and_uses"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModuleInput",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                (
                    "port",
                    models.PositiveSmallIntegerField(
                        help_text="As the device type counts them, many from 0.",
                        validators=[django.core.validators.MaxValueValidator(255)],
                        verbose_name="port of the module",
                    ),
                ),
                (
                    "pulse_weight",
                    models.DecimalField(
                        decimal_places=6,
                        default=1,
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.000001"))],
                        verbose_name="one pulse is worth",
                    ),
                ),
                (
                    "pulse_unit",
                    models.CharField(
                        choices=[
                            ("L", "L"),
                            ("m3", "m³"),
                            ("Wh", "Wh"),
                            ("kWh", "kWh"),
                            ("MWh", "MWh"),
                            ("GJ", "GJ"),
                        ],
                        default="L",
                        max_length=4,
                        verbose_name="unit",
                    ),
                ),
                (
                    "sampling_period",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How often the module notes the register, where its messages do not say it.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(31622400),
                        ],
                        verbose_name="sampling period, seconds",
                    ),
                ),
                (
                    "module",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inputs",
                        to="meters.telemetrymodule",
                        verbose_name="telemetry module",
                    ),
                ),
            ],
            options={
                "verbose_name": "module input",
                "verbose_name_plural": "module inputs",
                "ordering": ("module", "port"),
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ModuleInputAuditevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                (
                    "port",
                    models.PositiveSmallIntegerField(
                        help_text="As the device type counts them, many from 0.",
                        validators=[django.core.validators.MaxValueValidator(255)],
                        verbose_name="port of the module",
                    ),
                ),
                (
                    "pulse_weight",
                    models.DecimalField(
                        decimal_places=6,
                        default=1,
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.000001"))],
                        verbose_name="one pulse is worth",
                    ),
                ),
                (
                    "pulse_unit",
                    models.CharField(
                        choices=[
                            ("L", "L"),
                            ("m3", "m³"),
                            ("Wh", "Wh"),
                            ("kWh", "kWh"),
                            ("MWh", "MWh"),
                            ("GJ", "GJ"),
                        ],
                        default="L",
                        max_length=4,
                        verbose_name="unit",
                    ),
                ),
                (
                    "sampling_period",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How often the module notes the register, where its messages do not say it.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(31622400),
                        ],
                        verbose_name="sampling period, seconds",
                    ),
                ),
                (
                    "module",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="meters.telemetrymodule",
                        verbose_name="telemetry module",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="ingestion.moduleinput",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="moduleinput",
            constraint=models.UniqueConstraint(
                fields=("module", "port"),
                name="ingestion_module_input_port",
                violation_error_message="The module already has an input with this port.",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="moduleinput",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "ingestion_moduleinputauditevent" ("created_at", "id", "module_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "port", "pulse_unit", "pulse_weight", "sampling_period", "updated_at") SELECT new_values."created_at", new_values."id", new_values."module_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, CLOCK_TIMESTAMP(), \'insert\', new_values."id", new_values."port", new_values."pulse_unit", new_values."pulse_weight", new_values."sampling_period", new_values."updated_at" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="dd7c1204aabff0d7fe104c49be82725e997c98d3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_08850",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="ingestion_moduleinput",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="moduleinput",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "ingestion_moduleinputauditevent" ("created_at", "id", "module_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "port", "pulse_unit", "pulse_weight", "sampling_period", "updated_at") SELECT new_values."created_at", new_values."id", new_values."module_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, CLOCK_TIMESTAMP(), \'update\', new_values."id", new_values."port", new_values."pulse_unit", new_values."pulse_weight", new_values."sampling_period", new_values."updated_at" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."module_id" IS DISTINCT FROM (new_values."module_id") OR old_values."port" IS DISTINCT FROM (new_values."port") OR old_values."pulse_unit" IS DISTINCT FROM (new_values."pulse_unit") OR old_values."pulse_weight" IS DISTINCT FROM (new_values."pulse_weight") OR old_values."sampling_period" IS DISTINCT FROM (new_values."sampling_period")) ) AS new_values, _pgh_attached_context; RETURN NULL;',
                    hash="0f6286c52abc71f3a54ff9a00120cd41d3e5f463",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_83e35",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="ingestion_moduleinput",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="moduleinput",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "ingestion_moduleinputauditevent" ("created_at", "id", "module_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "port", "pulse_unit", "pulse_weight", "sampling_period", "updated_at") SELECT old_values."created_at", old_values."id", old_values."module_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, CLOCK_TIMESTAMP(), \'delete\', old_values."id", old_values."port", old_values."pulse_unit", old_values."pulse_weight", old_values."sampling_period", old_values."updated_at" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;',
                    hash="86196b3445338b5403b2af614e8d6b5bb473dc7d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c1722",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="ingestion_moduleinput",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="moduleinputauditevent",
            index=models.Index(fields=["-pgh_created_at"], name="ingestion_moduleinput_event_ti"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="moduleinputauditevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e21974650ab502709e8c04af1fccc13c2e2e3958",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_ff871",
                    table="ingestion_moduleinputauditevent",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(NOTED, NOTED_NO_MORE),
    ]
