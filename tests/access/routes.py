"""Every address of the site, read from the URL configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Address", "addresses", "filled"]


class Address(NamedTuple):
    """A route: its name ("" where it has none), whether it is the admin's, its path and holes."""

    name: str
    in_admin: bool
    template: str
    holes: tuple[str, ...]


# What stands in a hole of the path unless a test puts something better there.
_FILLING = {
    "app_label": "meters",
    "key": "none",
    "uidb36": "1",
    "url": "nothing/here",
    "content_type_id": "1",
    "object_id": "1",
}
_HOLE = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()\\]|\\.|\([^)]*\))*\)")


def addresses() -> list[Address]:
    """All of them, nested ones with their whole path."""
    return list(_walk(get_resolver(), "", in_admin=False))


def filled(address: Address, **given: Any) -> str:
    """The path with something in every hole."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(2) or match.group(3)
        default = "1" if match.group(1) == "int" else "none"
        return str(given.get(name, _FILLING.get(name, default)))

    return _HOLE.sub(fill, address.template)


def _walk(resolver: URLResolver, prefix: str, *, in_admin: bool) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        path = prefix + _plain(str(entry.pattern))
        inside = in_admin or getattr(entry, "namespace", None) == "admin"
        if isinstance(entry, URLPattern):
            holes = tuple(a or b for _kind, a, b in _HOLE.findall(path))
            yield Address(entry.name or "", inside, path, holes)
        else:
            yield from _walk(entry, path, in_admin=inside)


def _plain(pattern: str) -> str:
    """A pattern without the marks of regular expressions around and between its holes."""
    return pattern.removeprefix("^").removesuffix("$").removesuffix("\\Z").replace("\\/", "/")
