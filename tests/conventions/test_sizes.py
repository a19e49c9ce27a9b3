"""The limits of sizes hold, and the script that checks them notices when they don't."""

from __future__ import annotations

from tests.conventions.project import python_files
from tests.conventions.sizes import Sizes, broken_limits, functions_in, measure, report


def _function(lines: int, comment: str = "") -> str:
    return f"def one():{comment}\n" + "    pass\n" * (lines - 1)


def test_project_keeps_the_limits() -> None:
    assert broken_limits(measure(python_files())) == []


def test_migrations_and_tests_are_left_out() -> None:
    parts = {part for path in python_files() for part in path.parts}
    assert "migrations" not in parts
    assert not any(path.parent.name == "tests" for path in python_files())


def test_long_function_needs_a_reason() -> None:
    bare = Sizes(functions_in(_function(61), "a.py"), {"a.py": 61})
    assert any("a.py:1 one has 61 lines" in line for line in broken_limits(bare))
    excused = Sizes(functions_in(_function(61, "  # long: a table"), "a.py"), {"a.py": 61})
    assert not any("a.py:1" in line for line in broken_limits(excused))
    assert "a table" in report(excused)


def test_median_ninetieth_and_files_are_watched() -> None:
    small = functions_in(_function(2), "a.py")
    large = functions_in(_function(31), "a.py")
    assert broken_limits(Sizes(small * 9 + large, {"a.py": 500})) == []
    assert "nine in ten" in broken_limits(Sizes(small * 8 + large * 2, {"a.py": 1}))[0]
    assert "median" in broken_limits(Sizes(functions_in(_function(9), "a.py"), {"a.py": 1}))[0]
    assert "501 lines" in broken_limits(Sizes(small, {"a.py": 501}))[0]


def test_nested_functions_and_methods_count() -> None:
    source = (
        "class A:\n    def one(self):\n        def two():\n            pass\n        return two\n"
    )
    assert {(row.name, row.lines) for row in functions_in(source, "a.py")} == {
        ("one", 4),
        ("two", 2),
    }
