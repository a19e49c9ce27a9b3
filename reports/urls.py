"""Addresses of the web UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from .views import lineage, lists, networks, orders, points, search, start

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.home, name="home"),
    path("companies/<int:pk>/live/", start.company_live, name="company_live"),
    path("search/", search.search, name="search"),
    path("usage-points/<int:pk>/", points.usage_point, name="usage_point"),
    path("usage-points/<int:pk>/readings.csv", points.usage_point_csv, name="usage_point_csv"),
    path("usage-points/<int:pk>/order/", orders.usage_point_order, name="usage_point_order"),
    path("channels/<int:pk>/value/", lineage.channel_value, name="channel_value"),
    path("networks/", networks.networks, name="networks"),
    path("networks/rows/", networks.network_rows, name="network_rows"),
    path("nodes/<int:pk>/", networks.node, name="node"),
    path("modules/", lists.modules, name="modules"),
    path("modules/<int:pk>/frames/", lineage.module_frames, name="module_frames"),
    path("quarantine/", lists.quarantine, name="quarantine"),
    path("language/", start.language, name="language"),
]
