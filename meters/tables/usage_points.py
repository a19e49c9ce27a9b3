"""Usage points of an import, with their connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hierarchy.kinds import KINDS, Kind, System
from hierarchy.services import SEPARATOR
from hierarchy.tables.lookup import AMBIGUOUS
from hierarchy.tables.nodes import nodes_of
from hierarchy.tables.plan import BROKEN, Entry, Plan, Stage
from meters.models import UsagePoint
from meters.quantities import RESOURCE_SYSTEMS, Resource
from meters.services.usage_points import connections_settle

from .connections import Connections
from .devices import batches
from .places import node_named, place_named, same_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.lib.tables.lines import Line

__all__ = ["UsagePointStage"]

_PLAIN = {"name": "name", "role": "role", "active": "is_active"}


class UsagePointStage(Stage):
    """Usage points are found by code. Their resource never changes."""

    name = "usage_points"
    title = gettext_lazy("usage points")
    model = UsagePoint
    identity = ("code",)
    own = ("name", "resource", "role", "active", "network_node", "connected_from", "network_kind")

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._wanted: set[str] = set()
        self._stored: dict[str, UsagePoint] = {}
        self._connections = Connections(plan)

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        entry = super().add(line, columns, merges)
        if entry is not None:
            self.want(entry.get("code"))
            lookup = nodes_of(self.plan).lookup
            lookup.want(entry.get("place"))
            if node := entry.get("network_node"):
                lookup.want(node)
                if entry.get("network_kind"):
                    lookup.want(node.rpartition(SEPARATOR)[0])
        return entry

    def want(self, code: str | None) -> None:
        """The code is going to be asked for."""
        if code:
            self._wanted.add(code)

    def load(self) -> None:
        rows = UsagePoint.objects.all()
        if self.plan.actor is not None:
            rows = rows.visible_to(self.plan.actor)
        for codes in batches(sorted(self._wanted)):
            found = rows.filter(company=self.plan.company, code__in=codes).select_related("place")
            self._stored |= {row.code: row for row in found}
        connected = {e.get("code") for e in self.entries if e.get("network_node") is not None}
        points = [row for code, row in self._stored.items() if code in connected]
        self._connections.load(points)

    def find(self, entry: Entry, name: str) -> Any:
        """The point another kind of row means; None after it was reported; or BROKEN."""
        code = entry.get(name)
        wanted = self._firsts.get((code,))
        if wanted is not None:
            return wanted.instance or BROKEN
        point = self._stored.get(code)
        if point is None:
            entry.fail(name, _("There is no usage point with the code “%s”.") % code)
        return point

    def resolve(self) -> None:
        for entry in self.firsts():
            point = self._stored.get(entry.get("code"))
            place = self._place(entry)
            if entry.is_sound and place is not BROKEN:
                if point is None:
                    self._create(entry, place)
                else:
                    self._change(entry, point, place)
        for entry in self.entries:
            if entry.first is not None and entry.is_sound:
                self._check_same_place(entry, entry.first)

    def _place(self, entry: Entry) -> Any:
        spelled = nodes_of(self.plan).chains.place(entry.line)
        named = place_named(self.plan, entry)
        both = spelled is not None and named is not None
        if both and BROKEN not in (spelled, named) and not same_node(spelled, named):
            text = _("The columns of places name another place. Fill in them or this one.")
            entry.fail("place", text)
        return named if spelled is None else spelled

    def _check_same_place(self, entry: Entry, first: Entry) -> None:
        entry.instance = first.instance
        spelled = nodes_of(self.plan).chains.place(entry.line)
        if spelled is None or spelled is BROKEN or first.instance is None:
            return
        if not same_node(spelled, first.instance.place):
            text = _("Row %(row)d puts the same usage point in another place: %(place)s.")
            names = {"row": first.line.number, "place": first.instance.place}
            entry.fail("code", text % names)

    def _create(self, entry: Entry, place: Any) -> None:
        if entry.get("resource") is None:
            entry.fail("resource", _("Say which resource is measured; the point is new."))
        if place is None:
            entry.fail("place", _("Say where the usage point is; it is new."))
        if not entry.is_sound:
            return
        point = UsagePoint(
            company=self.plan.company,
            code=entry.get("code"),
            resource=entry.get("resource"),
            place=place,
        )
        for name, attribute in _PLAIN.items():
            if entry.get(name) is not None:
                setattr(point, attribute, entry.get(name))
        if self._connected(entry, point) is not None:
            self.accept_new(entry, point)

    def _change(self, entry: Entry, point: UsagePoint, place: Any) -> None:
        if entry.get("resource", point.resource) != point.resource:
            text = _("The usage point already measures another resource: %s.")
            entry.fail("resource", text % Resource(point.resource).label)
            return
        wishes = {
            attribute: entry.get(name)
            for name, attribute in _PLAIN.items()
            if entry.get(name) is not None
        }
        if place is not None and (place.pk is None or place.pk != point.place_id):
            wishes["place"] = place
        told = self._connected(entry, point)
        if told is not None:
            self.accept_known(entry, point, wishes, told)

    def _connected(self, entry: Entry, point: UsagePoint) -> list[tuple[str, Any, Any]] | None:
        """What changes in the connections; None after something was reported."""
        if entry.get("network_node") is None:
            if entry.get("connected_from") is not None:
                text = _("Name the network node that it is connected to since that day.")
                entry.fail("network_node", text)
                return None
            return []
        node = self._network_node(entry, point)
        if node is None or node is BROKEN:
            return None
        return self._connections.connect(entry, point, node)

    def _network_node(self, entry: Entry, point: UsagePoint) -> Any:
        system, kind = RESOURCE_SYSTEMS[point.resource], entry.get("network_kind")
        if kind is None:
            return node_named(self.plan, entry, "network_node", system)
        nodes, text = nodes_of(self.plan), entry.get("network_node")
        found = nodes.find(system, text, kind=kind)
        if found is not None and found is not AMBIGUOUS:
            return found
        above, _separator, name = text.rpartition(SEPARATOR)
        parent = nodes.find(system, above) if above else None
        if found is AMBIGUOUS or parent is AMBIGUOUS or (above and parent is None):
            return node_named(self.plan, entry, "network_node", system)
        if kind not in KINDS[system]:
            labels = {"kind": Kind(kind).label, "system": System(system).label}
            entry.fail("network_kind", _("There is no %(kind)s in the %(system)s.") % labels)
            return None
        where = {"system": system, "column": entry.columns["network_node"]}
        return nodes.make(entry, parent=parent, kind=kind, name=name, **where)

    def write(self) -> None:
        super().write()
        touched = self._connections.write()
        connections_settle(usage_points=touched)
