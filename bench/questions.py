"""What the readers ask of the administration: every list with every filter and order, searches,
autocompletes, the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from hierarchy.models import Node
from meters.models import Installation, Meter, TelemetryModule, UsagePoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from bench.readers import Reader

__all__ = ["Question", "questions_of"]


class Question(NamedTuple):
    """One address a reader opens; the name is the same for every reader."""

    name: str
    url: str
    params: dict[str, str]
    may_lack: bool = False  # a page that short lists do not have


LISTS: dict[str, type[Model]] = {
    "meters": Meter,
    "usage points": UsagePoint,
    "modules": TelemetryModule,
    "installations": Installation,
    "nodes": Node,
}
# What an autocomplete finds, and a field that asks for it.
AUTOCOMPLETES = {
    "meters": ("meters", "installation", "meter"),
    "usage points": ("meters", "installation", "usage_point"),
    "modules": ("meters", "meter", "module"),
    "nodes": ("meters", "usagepoint", "place"),
}


def questions_of(reader: Reader) -> Iterator[Question]:
    """Everything measured, as this reader asks it."""
    for name, model in LISTS.items():
        yield from _list(name, model, reader)
    for name, (app, model_name, field) in AUTOCOMPLETES.items():
        asked = {"app_label": app, "model_name": model_name, "field_name": field}
        url = reverse("admin:autocomplete")
        yield Question(f"choose from {name}", url, {**asked, "term": ""})
        yield Question(
            f"choose from {name}, page 100", url, {**asked, "term": "", "page": "100"}, True
        )
        for term, text in _terms(name, reader, short=name != "meters").items():
            yield Question(f"choose from {name}: {term}", url, {**asked, "term": text})
    yield from _tree(reader)


def _list(name: str, model: type[Model], reader: Reader) -> Iterator[Question]:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    yield Question(name, url, {})
    yield Question(f"{name}, page 100", url, {"p": "100"}, True)
    yield Question(f"{name}, page 200", url, {"p": "200"}, True)
    yield from _orders_and_filters(name, model, reader, url)
    for term, text in _terms(name, reader, short=name != "meters").items():
        yield Question(f"{name}: {term}", url, {"q": text})
    if name == "meters":
        common = {"q": "street", "status__exact": "stored"}
        yield Question("meters in store: word in every address", url, common)


def _orders_and_filters(
    name: str, model: type[Model], reader: Reader, url: str
) -> Iterator[Question]:
    """As the page itself offers them, so nothing that it offers goes unmeasured."""
    request = RequestFactory().get(url)
    request.user = reader.user
    page = admin.site._registry[model]
    changelist = page.get_changelist_instance(request)
    for position, column in enumerate(changelist.list_display):
        if column != "action_checkbox" and column in (changelist.sortable_by or ()):
            for sign in ("", "-"):
                order = f"{sign}{position}"
                yield Question(f"{name} by {sign}{column}", url, {"o": order})
    for spec in changelist.filter_specs:
        for choice in list(spec.choices(changelist))[1:]:
            query = str(choice["query_string"])
            label = f"{name}, {spec.title}: {choice['display']}"
            yield Question(label, url + query, {})


# Asked of every list; the others only of meters, which search the same columns.
_SHORT = {
    "serial number",
    "code",
    "word in every address",
    "street",
    "street and house",
    "common word and nothing",
    "nothing",
    "one letter",
}


def _terms(name: str, reader: Reader, *, short: bool) -> dict[str, str]:
    serial, code, street = reader.meter.serial, reader.point.code, reader.street.name
    module = reader.module
    own = {
        "meters": (serial, "serial number"),
        "installations": (serial, "serial number"),
        "usage points": (code, "code"),
        "modules": (module.serial, "serial number"),
        "nodes": ("A12345", "code"),
    }
    text, word = own[name]
    terms = {
        word: text,
        f"beginning of a {word}": text[:6],
        f"middle of a {word}": text[-5:-1],
        "code of a usage point": code,
        "radio address": module.address,
        "word in every address": "street",
        "Ukrainian word in every address": "вулиця",
        "street": street,
        "rare Ukrainian word": "гончарна",
        "street and house": f"{street} 5",
        "house, street and flat": f"5 {street} apt 12",
        "common word and house": "street 5",
        "common word and nothing": "street zq",
        "two common words": "street verbopil",
        "nothing": "zzqxy",
        "nothing, digits": "987654321",
        "one letter": "c",
        "two letters": "ab",
        "two digits": "12",
        "one letter that begins nothing": "q",
        "percent sign": "%",
    }
    return {term: text for term, text in terms.items() if term in _SHORT or not short}


def _tree(reader: Reader) -> Iterator[Question]:
    asked = {"company": str(reader.company.pk), "system": "territory"}
    children = reverse("admin:hierarchy_node_tree_children")
    yield Question("tree", reverse("admin:hierarchy_node_tree"), {})
    yield Question("tree, roots", children, asked)
    street = {**asked, "parent": str(reader.street.pk)}
    yield Question("tree, below a street", children, street)
    district = {**asked, "parent": str(reader.street.parent_id)}
    yield Question("tree, below a district", children, district)
    search = reverse("admin:hierarchy_node_tree_search")
    for term, text in _terms("nodes", reader, short=True).items():
        yield Question(f"tree: {term}", search, {**asked, "q": text})
