"""What all audit event tables have in common."""

from pghistory.models import Event


class AuditEvent(Event):
    """Base of the generated event models: nobody gets permissions on them but through the audit."""

    class Meta:
        abstract = True
        default_permissions = ()
