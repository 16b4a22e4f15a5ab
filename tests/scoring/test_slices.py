"""Slices say where the adapter wins and where it loses, and nothing about groups that are too small."""

from finetune import task_named
from finetune.compare.slices import slices

TASK = task_named("complexity")


def pairs(candidate: str, baseline: str, n: int, style: str) -> list:
    row = {"code": f"function {style}() {{}}", "score": 5.0, "style": style}
    return [(TASK.score(row, candidate), TASK.score(row, baseline))] * n


def test_the_slice_that_loses_most_comes_first() -> None:
    mixed = pairs("5.0", "9.0", 20, "flat") + pairs("9.0", "5.0", 20, "nested")
    found = [one for one in slices(TASK, dict(enumerate(mixed))) if one["by"] == "style"]
    assert [(one["value"], one["wins"], one["losses"], one["says"]) for one in found] == [
        ("nested", 0, 20, "worse"),
        ("flat", 20, 0, "better"),
    ]


def test_lengths_are_thirds_of_the_rows() -> None:
    mixed = [pair for n in range(30) for pair in pairs("5.0", "5.0", 1, "x" * (n + 1))]
    found = {one["value"]: one["n"] for one in slices(TASK, dict(enumerate(mixed))) if one["by"] == "length"}
    assert found == {"short": 10, "medium": 10, "long": 10}


def test_a_group_of_four_rows_and_a_column_of_many_values_are_no_slices() -> None:
    few = pairs("5.0", "9.0", 20, "flat") + pairs("9.0", "5.0", 4, "nested")
    assert {one["value"] for one in slices(TASK, dict(enumerate(few))) if one["by"] == "style"} == {"flat"}
    many = [pair for n in range(100) for pair in pairs("5.0", "9.0", 1, f"style{n}")]
    assert not [one for one in slices(TASK, dict(enumerate(many))) if one["by"] == "style"]
