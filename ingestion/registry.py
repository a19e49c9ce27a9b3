"""Every device the server knows, as arrays: 110 bytes each, a look-up is a binary search.

Modules that speak a foreign protocol stand among them under −id, a number no frame can have.

Nothing is asked of the database for a frame, and nothing for a source that is unknown. The engine
reads everything once at its start and afterwards only what triggers noted as changed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from config.lib.crypto import CryptoError
from ingestion.codecs.replay import WINDOW
from ingestion.codecs.universal_frame import Key
from ingestion.foreign.sql import FOREIGN_TYPES
from ingestion.keys import SEALED_BYTES, key_open
from ingestion.rows import fetch_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Companies", "Devices", "Flag", "Judged", "devices_read"]

_SELECTORS = len(Key)
_COLUMNS = ("device", "module", "company", "flags", "keys", "highest", "seen", "down")


class Flag:
    """Bits of `Devices.flags`."""

    ACTIVE = 1
    # Another company has entered the same device id: every candidate's key is tried.
    SHARED_ID = 2
    # Bits 2 to 4: there is a key under A, B, a claim secret; bits 5 and 6: it is only offered yet.
    KEY = 4
    OFFERED = 32


class Judged(NamedTuple):
    """new: to be stored; repeated: stored before, or twice in this batch; the rest is too old."""

    new: NDArray[np.bool_]
    repeated: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Devices:
    """Devices by device id, ascending; one row each.

    device: the eight bytes as one number; keys, highest, seen: rows × selector (A, B, claim).
    highest and seen are the replay window: the highest counter, and a bitmap of those below.
    down: the counter of the last frame sent to the device.
    """

    device: Ints
    module: Ints
    company: NDArray[np.int32]
    flags: NDArray[np.uint8]
    keys: NDArray[np.uint8]
    highest: NDArray[np.uint32]
    seen: NDArray[np.uint64]
    down: NDArray[np.uint32]
    # Rows by module id; found once, since rows are never changed in place.
    _order: NDArray[np.int32] | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.device)

    @classmethod
    def empty(cls, count: int = 0) -> Devices:
        return cls(
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int32),
            np.zeros(count, np.uint8),
            np.zeros((count, _SELECTORS, 16), np.uint8),
            np.zeros((count, _SELECTORS), np.uint32),
            np.zeros((count, _SELECTORS), np.uint64),
            np.zeros(count, np.uint32),
        )

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, name).nbytes for name in _COLUMNS)

    def find(self, device: NDArray[np.uint64]) -> Ints:
        """Row of each device id, −1 where it is unknown; the first row of a shared id."""
        if not len(self.device):
            return np.full(len(device), -1)
        wanted = device.astype(np.int64)
        row = np.minimum(np.searchsorted(self.device, wanted), len(self.device) - 1)
        return np.where(self.device[row] == wanted, row, -1)

    def by_module(self, modules: Ints) -> Ints:
        """Row of each module id, −1 where there is none."""
        if self._order is None:
            self._order = np.argsort(self.module).astype(np.int32)
        if not len(self._order):
            return np.full(len(modules), -1)
        place = np.searchsorted(self.module, modules, sorter=self._order)
        row = self._order[np.minimum(place, len(self._order) - 1)].astype(np.int64)
        return np.where(self.module[row] == modules, row, -1)

    def key(self, row: int, selector: int) -> bytes | None:
        """The key, None where there is none."""
        if not self.flags[row] & Flag.KEY << selector:
            return None
        return bytes(self.keys[row, selector])

    def keys_of(self, rows: Ints, selectors: NDArray[np.uint8]) -> list[bytes | None]:
        """The key of each (row, selector), None where there is none."""
        packed = self.keys[rows, selectors].tobytes()
        has = (self.flags[rows] & Flag.KEY << selectors.astype(np.int64)) != 0
        return [
            packed[16 * number : 16 * number + 16] if given else None
            for number, given in enumerate(has.tolist())
        ]

    def judge(self, row: Ints, selector: NDArray[np.uint8], counter: Ints) -> Judged:
        """Which authentic frames are new. Counters of one batch do not make each other too old."""
        highest = self.highest[row, selector].astype(np.int64)
        below = highest - counter
        within = (below >= 0) & (below < WINDOW)
        bit = np.where(within, below, 0).astype(np.uint64)
        seen = within & (self.seen[row, selector] >> bit & np.uint64(1) == 1)
        key = (row * _SELECTORS + selector) << 31 | counter
        first = np.zeros(len(row), np.bool_)
        first[np.unique(key, return_index=True)[1]] = True
        fresh = ~seen & (below < WINDOW)
        return Judged(fresh & first, seen | (fresh & ~first))

    def accept(self, row: Ints, selector: NDArray[np.uint8], counter: Ints) -> None:
        """Note counters as seen; only of frames that are committed."""
        if not len(row):
            return
        slot = row * _SELECTORS + selector
        highest, seen = self.highest.reshape(-1), self.seen.reshape(-1)
        slots, place = np.unique(slot, return_inverse=True)
        before = highest[slots].astype(np.int64)
        after = before.copy()
        np.maximum.at(after, place, counter)
        ahead = after - before
        kept = np.where(ahead < WINDOW, seen[slots] << np.minimum(ahead, 63).astype(np.uint64), 0)
        below = after[place] - counter
        inside = below < WINDOW
        bits = np.uint64(1) << below[inside].astype(np.uint64)
        kept = kept.astype(np.uint64)
        np.bitwise_or.at(kept, place[inside], bits)
        highest[slots], seen[slots] = after, kept

    def next_down(self, row: Ints, floor: int) -> Ints:
        """The next counter of each device, not below `floor`, for each frame to be sent."""
        if not len(row):
            return np.zeros(0, np.int64)
        order = np.argsort(row, kind="stable")
        ordered = row[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        within = np.arange(len(row)) - np.repeat(starts, np.diff(starts, append=len(row)))
        counter = np.empty(len(row), np.int64)
        counter[order] = np.maximum(self.down[ordered].astype(np.int64) + 1, floor) + within
        np.maximum.at(self.down, row, counter.astype(np.uint32))
        return counter

    def replaced(self, modules: Ints, fresh: Devices) -> Devices:
        """Without the rows of these modules, and with the fresh ones in their place.

        A key that is still the same keeps its window.
        """
        _keep_windows(self, fresh)
        kept = ~np.isin(self.module, modules)
        parts = [
            np.concatenate([getattr(self, name)[kept], getattr(fresh, name)]) for name in _COLUMNS
        ]
        order = np.argsort(parts[0], kind="stable")
        made = Devices(*(part[order] for part in parts))
        made.mark_shared()
        return made

    def mark_shared(self) -> None:
        """Note which ids several rows have; rows are sorted."""
        same = self.device[1:] == self.device[:-1]
        self.flags &= np.uint8(~Flag.SHARED_ID & 0xFF)
        self.flags[1:][same] |= Flag.SHARED_ID
        self.flags[:-1][same] |= Flag.SHARED_ID


def _keep_windows(old: Devices, fresh: Devices) -> None:
    row = old.by_module(fresh.module)
    known = np.flatnonzero(row >= 0)
    fresh.down[known] = old.down[row[known]]
    same = (old.keys[row[known]] == fresh.keys[known]).all(axis=2)
    for name in ("highest", "seen"):
        now, before = getattr(fresh, name), getattr(old, name)
        now[known] = np.where(same, before[row[known]], now[known])


# A label such as RDO-0000001234 → the eight bytes as one number.
_DEVICES = f"""
SELECT -m.id AS device, m.id, m.company_id, (m.status = 'active' AND c.is_active)::int
FROM meters_telemetrymodule m JOIN accounts_company c ON c.id = m.company_id
WHERE {{where}} AND m.device_type_id IN ({FOREIGN_TYPES})
UNION ALL
SELECT (ascii(label)::bigint << 56) + (ascii(substr(label, 2))::bigint << 48)
    + (ascii(substr(label, 3))::bigint << 40) + substr(label, 5)::bigint AS device,
    id, company_id, (status = 'active' AND is_active)::int
FROM (
    SELECT m.id, m.company_id, m.status, c.is_active, upper(btrim(m.address)) AS label
    FROM meters_telemetrymodule m JOIN accounts_company c ON c.id = m.company_id
    WHERE {{where}} AND m.address ~* '^ *[a-z]{{{{3}}}}-0*[0-9]{{{{1,12}}}} *$'
        AND m.device_type_id NOT IN ({FOREIGN_TYPES})
) found WHERE substr(label, 5)::bigint < 1099511627776 ORDER BY 1, 2
"""
_KEYS = f"""
SELECT k.module_id, k.selector::int, (k.state = 'offered')::int, k.sealed
FROM ingestion_modulekey k
WHERE k.state <> 'retired' AND {{where}} AND length(k.sealed) = {SEALED_BYTES}
UNION ALL
SELECT k.module_id, 2, 0, k.sealed FROM ingestion_claim k
WHERE k.spent_at IS NULL AND {{where}} AND length(k.sealed) = {SEALED_BYTES}
"""


def devices_read(modules: Sequence[int] | None = None) -> Devices:
    """Devices of these modules, or all of them. Keys that can't be opened are as if absent."""
    chosen: tuple[Any, ...] = () if modules is None else (list(modules),)
    rows = fetch_records(
        _DEVICES.format(where="true" if modules is None else "m.id = ANY(%s)"),
        chosen * 2,
        {"device": ">i8", "module": ">i8", "company": ">i8", "active": ">i4"},
    )
    found = Devices.empty(len(rows))
    found.device, found.module = rows["device"].copy(), rows["module"].copy()
    found.company = rows["company"].astype(np.int32)
    found.flags = (rows["active"] * Flag.ACTIVE).astype(np.uint8)
    keys = fetch_records(
        _KEYS.format(where="true" if modules is None else "k.module_id = ANY(%s)"),
        chosen * 2,
        {"module": ">i8", "selector": ">i4", "offered": ">i4", "sealed": f"S{SEALED_BYTES}"},
    )
    _fill_keys(found, keys)
    found.mark_shared()
    return found


def _fill_keys(found: Devices, keys: NDArray[np.void]) -> None:
    rows = found.by_module(keys["module"])
    columns = (keys["module"], keys["selector"], keys["offered"], keys["sealed"])
    for row, module, selector, offered, sealed in zip(
        rows.tolist(), *(column.tolist() for column in columns), strict=True
    ):
        if row < 0:
            continue
        try:
            key = key_open(sealed, module_id=module, selector=selector)
        except CryptoError:
            continue
        found.keys[row, selector] = np.frombuffer(key, np.uint8)
        found.flags[row] |= Flag.KEY << selector | (Flag.OFFERED << selector if offered else 0)


class Companies:
    """Networks that each company's devices may send from, and time zones."""

    _REMEMBERED = 100_000

    def __init__(self, rows: Sequence[tuple[int, str, list[str]]]) -> None:
        """rows: id, time zone, allowed subnets."""
        self.zones = {key: zone for key, zone, _ in rows}
        self._networks = {
            key: [ipaddress.ip_network(text) for text in subnets]
            for key, _, subnets in rows
            if subnets
        }
        self._answers: dict[tuple[int, str], bool] = {}

    @property
    def restricted(self) -> Ints:
        """Ids of the companies that do not take frames from everywhere."""
        return np.array(sorted(self._networks), np.int64)

    def allows(self, company: int, source: str) -> bool:
        """Whether a frame of the company may come from this address ("": the transport hides it)."""
        networks = self._networks.get(company)
        if networks is None or not source:
            return True
        known = self._answers.get((company, source))
        if known is None:
            if len(self._answers) >= self._REMEMBERED:
                self._answers.clear()
            known = self._answers[company, source] = _inside(source, networks)
        return known


def _inside(source: str, networks: Sequence[Any]) -> bool:
    try:
        address: Any = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)
