"""Forms as a browser would send them."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup

__all__ = ["form_values", "options"]


def form_values(page: str) -> dict[str, Any]:
    """What the largest form of the page sends when it is submitted as it stands."""
    soup = BeautifulSoup(page, "html.parser")
    form = max(soup.find_all("form"), key=lambda form: len(_fields(form)), default=soup)
    values: dict[str, Any] = {}
    for field in _fields(form):
        name = str(field.get("name", ""))
        if not name or name.startswith("csrf") or "__prefix__" in name:
            continue
        if field.name == "select":
            values[name] = _chosen(field)
        elif field.name == "textarea":
            values[name] = field.text
        elif field.get("type") not in {"checkbox", "radio", "submit"} or field.has_attr("checked"):
            values[name] = field.get("value", "")
    return values


def options(page: str, name: str) -> list[str]:
    """Values one can choose from, whatever the field looks like."""
    soup = BeautifulSoup(page, "html.parser")
    found = soup.select(f"select[name={name}] option") + soup.select(f"input[name={name}]")
    return [value for item in found if (value := str(item.get("value", "")))]


def _fields(form: Any) -> list[Any]:
    return list(form.find_all(["input", "textarea", "select"]))


def _chosen(field: Any) -> Any:
    chosen = [option.get("value", "") for option in field.find_all("option", selected=True)]
    if field.has_attr("multiple"):
        return chosen
    # A browser sends the first one where none is marked.
    first = field.find("option")
    return (chosen or [first.get("value", "") if first else ""])[0]
