"""Audit by triggers: who and why stand in the event row itself, so no join finds them."""

import pghistory
import pgtrigger

PGHISTORY_LEVEL = pgtrigger.Statement  # type: ignore[has-type]
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(related_name="events")
# Event tables are read by object and by company and time; other indexes would only cost writes.
PGHISTORY_FIELD = pghistory.Field(db_index=False, unique=False)
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
PGHISTORY_BASE_MODEL = "accounts.models.events.AuditEvent"
PGHISTORY_CREATED_AT_FUNCTION = "CLOCK_TIMESTAMP()"
