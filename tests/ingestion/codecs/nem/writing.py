"""Files written for tests: what a sender would write, and with one thing wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO

__all__ = ["READS", "day", "interval_file", "lines", "packed", "read_file", "stream"]

READS = (
    "250,NAAA000001,1141,1,11,11,M0001,E,009990.5,20240101093000,A,,,000010.5,20240201101500,"
    "S61,45,Locked gate,20.0,kWh,20240501,20240202000000,20240203000000"
)


def lines(*rows: str) -> bytes:
    return "".join(f"{row}\r\n" for row in rows).encode()


def stream(
    suffix: str = "E1", *, uom: str = "kWh", minutes: int = 30, nmi: str = "NAAA000001"
) -> str:
    return f"200,{nmi},E1B1Q1K1,1,{suffix},N1,M0001,{uom},{minutes},20240501"


def day(date: str, values: Sequence[object], behind: str = "A,,,20240302001500,") -> str:
    return f"300,{date},{','.join(map(str, values))},{behind}"


def interval_file(*rows: str) -> bytes:
    return lines("100,NEM12,202403021000,MDP1,RET1", *rows, "900")


def read_file(*rows: str) -> bytes:
    return lines("100,NEM13,202403021000,MDP1,RET1", *rows, "900")


def packed(*contents: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"NEM12#{number}.csv", content)
    return into.getvalue()
