"""Tell the collection engine what it has to read anew.

Triggers a statement see bulk loads and raw SQL too; a change of columns that the engine does not
read leaves no row. Arguments of the trigger: kind, column with the key, columns that matter.
"""

from django.db import migrations

_FUNCTION = """
CREATE FUNCTION ingestion_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
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
    EXECUTE format(
        'INSERT INTO ingestion_registry_change (kind, keys)'
        ' SELECT %L, array_agg(DISTINCT key) FROM (%s) s WHERE key IS NOT NULL'
        ' HAVING count(*) > 0', TG_ARGV[0], rows);
    RETURN NULL;
END $$;
"""

# (table, kind, key, columns that matter)
_WATCHED = (
    ("meters_telemetrymodule", "modules", "id", "company_id address status device_type_id"),
    ("ingestion_modulekey", "modules", "module_id", "module_id selector state sealed"),
    ("ingestion_claim", "modules", "module_id", "module_id spent_at sealed"),
    ("meters_meter", "modules", "module_id", "module_id port digits device_type_id"),
    (
        "meters_installation",
        "points",
        "usage_point_id",
        "usage_point_id meter_id installed_at removed_at multiplier",
    ),
    (
        "meters_channel",
        "points",
        "usage_point_id",
        "usage_point_id reading_type_id interval_minutes is_active",
    ),
    (
        "meters_channel",
        "modules",
        "module_id",
        "module_id reading_type_id interval_minutes is_active",
    ),
    ("meters_devicetypeversion", "types", "device_type_id", "status definition"),
    ("meters_registertemplate", "types", "version_id", "register reading_type_id"),
    (
        "accounts_company",
        "companies",
        "id",
        "time_zone allowed_subnets is_active",
    ),
)
_EVENTS = {
    "insert": "REFERENCING NEW TABLE AS after",
    "update": "REFERENCING OLD TABLE AS before NEW TABLE AS after",
    "delete": "REFERENCING OLD TABLE AS before",
}


def _triggers():
    made, removed = [_FUNCTION], []
    for table, kind, key, columns in _WATCHED:
        for event, tables in _EVENTS.items():
            name = f"ingestion_note_{kind}_{event}"
            made.append(
                f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} {tables}"
                " FOR EACH STATEMENT EXECUTE FUNCTION"
                f" ingestion_note_change('{kind}', '{key}', '{columns}');"
            )
            removed.append(f"DROP TRIGGER {name} ON {table};")
    return "\n".join(made), "\n".join([*removed, "DROP FUNCTION ingestion_note_change();"])


FORWARD, BACKWARD = _triggers()


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0002_keys_and_quarantine"),
        ("meters", "0002_archives"),
        ("accounts", "0003_audit_view_and_seals"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
