"""Addresses of the web UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from . import views

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("usage-points/<int:pk>/", views.usage_point, name="usage_point"),
    path("language/", views.language, name="language"),
]
