"""Database constraints that Django does not bring: references that cannot cross companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.utils.functional import _StrPromise

__all__ = ["SameScope"]


class SameScope(BaseConstraint):
    """A foreign key over (field, scope…): the row referred to has the same company as this one.

    PostgreSQL checks it for every way of writing, bulk COPY included, so a row can't point into
    another company's data whatever the code above does. The target needs a unique constraint
    over ("id", *scope). An empty field refers to nothing and is allowed (MATCH SIMPLE).
    The plain foreign key of the same field may drop its own constraint (`db_constraint=False`).
    """

    def __init__(
        self,
        *,
        field: str,
        scope: tuple[str, ...] = ("company",),
        name: str,
        violation_error_message: str | _StrPromise | None = None,
    ) -> None:
        super().__init__(
            name=name,
            violation_error_code="other_company",
            violation_error_message=violation_error_message
            or _("This belongs to another company."),
        )
        self.field = field
        self.scope = tuple(scope)

    def _statement(self, model: Any, editor: BaseDatabaseSchemaEditor) -> str:
        quote: Any = editor.quote_name
        target: Any = model._meta.get_field(self.field).related_model
        own = [_field(model, name).column for name in (self.field, *self.scope)]
        theirs = [target._meta.pk.column] + [_field(target, name).column for name in self.scope]
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({', '.join(map(quote, own))}) "
            f"REFERENCES {quote(target._meta.db_table)} ({', '.join(map(quote, theirs))})"
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        return self._statement(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self._statement(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: Collection[str] | None = None,
        using: str = "default",
    ) -> None:
        if exclude and (self.field in exclude or set(self.scope) & set(exclude)):
            return
        if getattr(instance, f"{self.field}_id", None) is None:
            return
        target = getattr(instance, self.field)
        for name in self.scope:
            attribute = _field(model, name).attname
            if getattr(instance, attribute) != getattr(target, attribute):
                raise ValidationError({self.field: self.get_violation_error_message()})

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.pop("violation_error_code", None)
        kwargs.pop("violation_error_message", None)
        return path, args, {**kwargs, "field": self.field, "scope": self.scope}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SameScope):
            return NotImplemented
        return (self.name, self.field, self.scope) == (other.name, other.field, other.scope)

    __hash__ = BaseConstraint.__hash__


def _field(model: Any, name: str) -> Any:
    return model._meta.get_field(name)
