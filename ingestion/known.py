"""Reading what the engine has to know, and what of it has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction

from ingestion.foreign.devices import foreign_read, modules_of_types
from ingestion.models import RegistryChange
from ingestion.pipeline import Known
from ingestion.registry import Companies, devices_read
from ingestion.routing import ModuleChannels, module_channels_read, modules_at, routes_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.shares import Shares

__all__ = ["changes_take", "known_of", "known_read", "known_refresh"]

# So many modules at once are read by their ids; beyond, reading everything is quicker.
_FEW = 50_000
_Kind = RegistryChange.Kind
_TAKE = """
UPDATE ingestion_registry_change SET taken_by = taken_by || %s::smallint[]
WHERE NOT taken_by && %s::smallint[] RETURNING kind, keys
"""
_TAKEN = "DELETE FROM ingestion_registry_change WHERE taken_by @> %s::smallint[]"


def known_read(shares: Shares | None = None) -> Known:
    """Everything. Changes noted before are read with it, so their notes go first.

    shares: of the engine that reads; without them it is the only one.
    """
    changes_take(shares)
    known = Known(_companies(), devices_read(), routes_read(), module_channels_read())
    known.foreign = foreign_read()
    known.foreign.breaker.active = True
    return known


def known_of(modules: Sequence[int]) -> Known:
    """Of these modules, as it stands now; takes no notes and no windows."""
    known = Known(
        _companies(), devices_read(modules), routes_read(modules), module_channels_read(modules)
    )
    known.foreign = foreign_read(modules)
    return known


def known_refresh(known: Known, changes: dict[str, set[int]]) -> None:
    """Read what triggers noted as changed (`changes_take`)."""
    if _Kind.COMPANIES in changes:
        known.companies = _companies()
    modules = {*changes.get(_Kind.MODULES, ()), *modules_at(sorted(changes.get(_Kind.POINTS, ())))}
    if _Kind.TYPES in changes:
        known.routes = routes_read()
        known.modules = module_channels_read()
        _read_types(known)
    if _Kind.COMPANIES in changes or len(modules) > _FEW:
        _read_all(known)
    elif modules:
        _read_some(known, sorted(modules))
    known.ciphers.clear()


def changes_take(shares: Shares | None = None) -> dict[str, set[int]]:
    """Kind → keys of what changed since. A note is gone once the engines of all shares have it.

    In a transaction of its own: a crash after it is followed by reading everything."""
    found: dict[str, set[int]] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        if shares is None or shares.all_held:
            cursor.execute("DELETE FROM ingestion_registry_change RETURNING kind, keys")
            rows = cursor.fetchall()
        else:
            cursor.execute(_TAKE, [sorted(shares.held)] * 2)
            rows = cursor.fetchall()
            cursor.execute(_TAKEN, [list(range(shares.count))])
        for kind, keys in rows:
            found.setdefault(kind, set()).update(keys)
    return found


def _read_all(known: Known) -> None:
    known.devices = known.devices.replaced(known.devices.module, devices_read())
    known.routes, known.modules = routes_read(), module_channels_read()
    _read_types(known)


def _read_types(known: Known) -> None:
    """Foreign types and their modules anew; what their decoders remember stays.

    Modules of a type that was not foreign before, or no longer is, are other rows in the registry.
    """
    fresh = foreign_read()
    fresh.memories, fresh.recent = known.foreign.memories, known.foreign.recent
    fresh.hints, fresh.breaker = known.foreign.hints, known.foreign.breaker
    changed = known.foreign.types.by_id.keys() ^ fresh.types.by_id.keys()
    known.foreign = fresh
    if changed:
        modules = modules_of_types(sorted(changed))
        known.devices = known.devices.replaced(np.array(modules, np.int64), devices_read(modules))


def _read_some(known: Known, modules: Sequence[int]) -> None:
    keys = np.array(modules, np.int64)
    known.devices = known.devices.replaced(keys, devices_read(modules))
    known.routes = known.routes.replaced(keys, routes_read(modules))
    known.modules = _replaced(known.modules, keys, module_channels_read(modules))
    known.foreign.refresh(modules)


def _replaced(old: ModuleChannels, keys: NDArray[Any], fresh: ModuleChannels) -> ModuleChannels:
    kept = ~np.isin(old.module, keys)
    module = np.concatenate([old.module[kept], fresh.module])
    order = np.argsort(module)
    return ModuleChannels(
        module[order],
        np.concatenate([old.channel[kept], fresh.channel])[order],
        np.concatenate([old.interval[kept], fresh.interval])[order],
    )


def _companies() -> Companies:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, time_zone, allowed_subnets FROM accounts_company")
        return Companies(cursor.fetchall())
