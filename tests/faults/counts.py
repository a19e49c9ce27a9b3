"""Pytest plugin: prints what the fault runs counted. Loaded by `-p tests.faults.counts` (Makefile)."""

from __future__ import annotations

from typing import Any

import pytest

NAME = "counts"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """After the run; with xdist the counts of all workers arrive in the reports."""
    rows = [
        (report.nodeid.rpartition("/")[2], text)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, text in report.user_properties
        if name == NAME
    ]
    if rows:
        terminalreporter.section("counts of the fault runs")
    for node, text in sorted(rows):
        terminalreporter.write_line(f"{node}\n    {text}")
