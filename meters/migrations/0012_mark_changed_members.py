"""Mark the days of nodes whose members change: by trigger, so that bulk loads, raw SQL and MPTT's
own statements are seen as well.

Marked are the nodes at which something stands itself, before and after; the roll-up follows the
tree upwards. Days: those of a connection, or those in which a meter was or was not installed (one
more on both sides, because an instant may belong to either day), else all.
"""

from django.db import migrations, models

# Where a usage point stands: its place, and every node it was ever connected to.
_STANDS = """
SELECT p.company_id, p.place_id AS node_id FROM meters_usagepoint p WHERE p.id = point
UNION SELECT k.company_id, k.node_id FROM meters_connection k WHERE k.usage_point_id = point
"""
_FUNCTIONS = f"""
ALTER TABLE meters_dirty_node ADD COLUMN company_id bigint NOT NULL;

CREATE FUNCTION meters_point_stands(point bigint)
    RETURNS TABLE (company_id bigint, node_id bigint) LANGUAGE sql STABLE AS $$ {_STANDS} $$;

CREATE FUNCTION meters_mark_channels() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE points bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT usage_point_id) INTO points FROM after;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT usage_point_id) INTO points FROM before;
    ELSE
        SELECT array_agg(DISTINCT point) INTO points FROM before b JOIN after a USING (id),
            unnest(ARRAY[b.usage_point_id, a.usage_point_id]) point
        WHERE (b.usage_point_id, b.reading_type_id, b.interval_minutes, b.is_active)
            IS DISTINCT FROM (a.usage_point_id, a.reading_type_id, a.interval_minutes, a.is_active);
    END IF;
    INSERT INTO meters_dirty_node (company_id, node_id)
    SELECT DISTINCT s.company_id, s.node_id FROM unnest(points) point, meters_point_stands(point) s
    WHERE point IS NOT NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION meters_mark_points() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO meters_dirty_node (company_id, node_id)
    SELECT DISTINCT a.company_id, stand.node_id FROM before b JOIN after a USING (id),
        LATERAL (SELECT b.place_id AS node_id UNION SELECT s.node_id
            FROM meters_point_stands(a.id) s) stand
    WHERE (b.place_id, b.role, b.is_active) IS DISTINCT FROM (a.place_id, a.role, a.is_active);
    RETURN NULL;
END $$;

CREATE FUNCTION meters_mark_connections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO meters_dirty_node (company_id, node_id, first, last)
        SELECT DISTINCT company_id, node_id, valid_from, valid_to - 1 FROM before;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO meters_dirty_node (company_id, node_id, first, last)
        SELECT DISTINCT company_id, node_id, valid_from, valid_to - 1 FROM after;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION meters_mark_installations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Only what lies between the old and the new end of the stay has changed.
        INSERT INTO meters_dirty_node (company_id, node_id, first, last)
        SELECT DISTINCT s.company_id, s.node_id, part.begins::date - 1,
            CASE WHEN part.ends < 'infinity' THEN part.ends::date + 1 END
        FROM before b JOIN after a USING (id),
            LATERAL (SELECT coalesce(b.removed_at, 'infinity') AS old_end,
                coalesce(a.removed_at, 'infinity') AS new_end) e,
            LATERAL (VALUES
                (b.usage_point_id, least(b.installed_at, a.installed_at),
                    greatest(b.installed_at, a.installed_at),
                    b.usage_point_id = a.usage_point_id AND b.installed_at <> a.installed_at),
                (b.usage_point_id, least(old_end, new_end), greatest(old_end, new_end),
                    b.usage_point_id = a.usage_point_id AND old_end <> new_end),
                (b.usage_point_id, b.installed_at, old_end, b.usage_point_id <> a.usage_point_id),
                (a.usage_point_id, a.installed_at, new_end, b.usage_point_id <> a.usage_point_id)
            ) part(point, begins, ends, changed),
            meters_point_stands(part.point) s
        WHERE part.changed;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO meters_dirty_node (company_id, node_id, first, last)
        SELECT DISTINCT s.company_id, s.node_id, r.installed_at::date - 1, r.removed_at::date + 1
        FROM after r, meters_point_stands(r.usage_point_id) s;
    ELSE
        INSERT INTO meters_dirty_node (company_id, node_id, first, last)
        SELECT DISTINCT s.company_id, s.node_id, r.installed_at::date - 1, r.removed_at::date + 1
        FROM before r, meters_point_stands(r.usage_point_id) s;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION meters_mark_moved_node() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO meters_dirty_node (company_id, node_id)
        SELECT OLD.company_id, node FROM unnest(ARRAY[OLD.id, OLD.parent_id]) node
        WHERE node IS NOT NULL;
    ELSE
        INSERT INTO meters_dirty_node (company_id, node_id)
        SELECT NEW.company_id, node FROM unnest(ARRAY[OLD.parent_id, NEW.parent_id]) node
        WHERE node IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
"""
_TABLES = {
    "insert": "REFERENCING NEW TABLE AS after",
    "update": "REFERENCING OLD TABLE AS before NEW TABLE AS after",
    "delete": "REFERENCING OLD TABLE AS before",
}
_WATCHED = (
    ("meters_channel", "channels", ("insert", "update", "delete")),
    ("meters_usagepoint", "points", ("update",)),
    ("meters_connection", "connections", ("insert", "update", "delete")),
    ("meters_installation", "installations", ("insert", "update", "delete")),
)
# By row: MPTT numbers whole trees anew with statements that name every column, and only rows whose
# parent became another one matter.
_NODE_TRIGGERS = """
CREATE TRIGGER meters_mark_moved_node AFTER UPDATE ON hierarchy_node FOR EACH ROW
    WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id) EXECUTE FUNCTION meters_mark_moved_node();
CREATE TRIGGER meters_mark_removed_node AFTER DELETE ON hierarchy_node FOR EACH ROW
    EXECUTE FUNCTION meters_mark_moved_node();
"""


def _statements():
    made, removed = [_FUNCTIONS, _NODE_TRIGGERS], []
    for table, what, events in _WATCHED:
        for event in events:
            name = f"meters_mark_{what}_{event}"
            made.append(
                f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} {_TABLES[event]}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION meters_mark_{what}();"
            )
            removed.append(f"DROP TRIGGER {name} ON {table};")
    removed += [
        "DROP TRIGGER meters_mark_moved_node ON hierarchy_node;",
        "DROP TRIGGER meters_mark_removed_node ON hierarchy_node;",
        "DROP FUNCTION meters_mark_channels(), meters_mark_points(), meters_mark_connections(),"
        " meters_mark_installations(), meters_mark_moved_node(), meters_point_stands(bigint);",
        "ALTER TABLE meters_dirty_node DROP COLUMN company_id;",
    ]
    return "\n".join(made), "\n".join(removed)


FORWARD, BACKWARD = _statements()


class Migration(migrations.Migration):
    dependencies = [
        ("hierarchy", "0002_indexes_for_lists"),
        ("meters", "0011_room_in_module_pages"),
    ]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.AddField("DirtyNode", "company_id", models.BigIntegerField())
            ],
        )
    ]
