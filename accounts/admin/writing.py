"""Admin pages that write through services: the form rehearses the call, saving makes it.

A rehearsal runs the service in a savepoint and takes it back, so a refusal becomes an error beside
the field instead of a broken page, and no rule is written twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.errors import AccountsError

from .base import ScopedAdmin, ScopedForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpRequest

__all__ = ["ServiceAdmin", "ServiceForm", "each", "refusal", "writes_as"]


def refusal(call: Callable[[], Any]) -> AccountsError | ValidationError | None:
    """What the service would answer; whatever it wrote is taken back."""
    try:
        with transaction.atomic():
            call()
            transaction.set_rollback(True)
    except (AccountsError, ValidationError) as error:
        return error
    return None


class ServiceForm(ScopedForm):
    """A form whose `write` calls the service with the cleaned data."""

    actor: Any = None

    def write(self) -> Any:
        """Do it; returns the row as stored. Raises AccountsError, ValidationError."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.has_changed():
            return
        error = refusal(self.write)
        if isinstance(error, ValidationError):
            self._add_errors(error)
        elif error is not None:
            self.add_error(error.field if error.field in self.fields else None, str(error))

    def _add_errors(self, error: ValidationError) -> None:
        by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, texts in by_field.items():
            self.add_error(name if name in self.fields else None, texts)  # type: ignore[arg-type]


def writes_as(form: Any, request: HttpRequest) -> Any:
    """The form class, writing in the name of the request's user."""
    return type(form.__name__, (form,), {"actor": request.user})


class ServiceAdmin(ScopedAdmin):
    """A page whose form is a ServiceForm; `delete_one` calls the service that deletes."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return writes_as(super().get_form(request, obj, change, **kwargs), request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and not form.has_changed():
            return
        obj.__dict__.update(form.write().__dict__)

    def delete_one(self, request: HttpRequest, obj: Any) -> None:
        """Delete through the service; pages without one offer no deletion."""
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_one(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_one(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        rows = list(objs)
        listed, counts, lacking, protected = super().get_deleted_objects(rows, request)
        for obj in rows:
            if error := refusal(lambda obj=obj: self.delete_one(request, obj)):  # type: ignore[misc]
                protected = [*protected, f"{obj}: {error}"]
        return listed, counts, lacking, protected


def each(request: HttpRequest, rows: Iterable[Any], call: Callable[[Any], Any], done: str) -> None:
    """Call the service for every row; say what was refused, and `done` % count for the rest."""
    count = 0
    for row in rows:
        try:
            call(row)
            count += 1
        except AccountsError as error:
            messages.error(request, f"{row}: {error}")
    if count:
        messages.success(request, done % {"count": count})
