"""Form fields of the pages about companies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["LinesField", "SuggestingInput"]


class SuggestingInput(forms.TextInput):
    """A text field that the browser completes from a list, without a script."""

    def __init__(self, suggestions: list[str], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.suggestions = suggestions

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        list_id = f"{name}-suggestions"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", "<option>{}</option>", ((it,) for it in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', field, list_id, options)


class LinesField(forms.CharField):
    """A list of short texts, one a line; empty lines are left out."""

    widget = forms.Textarea(attrs={"rows": 5})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))

    def run_validators(self, value: Any) -> None:
        # Every line is checked by the model's own field.
        return
