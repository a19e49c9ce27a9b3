"""What all audit event tables have in common."""

from django.db import models
from pghistory.models import Event


class AuditEvent(Event):
    """Base of the generated event models: nobody gets permissions on them but through the audit."""

    # Kept for ever, a row a change: 32 bits would run out.
    pgh_id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True
        default_permissions = ()
