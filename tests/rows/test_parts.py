"""Parting rows: seeded, no question and no group on two sides, every row somewhere."""

import pytest

from backends.errors import BadInput
from finetune import task_named
from finetune.rows import data
from finetune.rows.parts import Shares, columns, parted

TASK = task_named("complexity")
ROWS = [
    {"code": f"function f{i}(a) {{ return a + {i} }}", "score": 1.0 + i % 9, "repo": f"r{i // 10}"} for i in range(100)
]


def test_without_a_test_share_the_parts_are_those_of_the_command_line() -> None:
    made = parted(ROWS, TASK, Shares(val=0.2, seed=3))
    train, val = data.split(ROWS, TASK, seed=3, val_share=0.2)
    assert (made["train"], made["test"]) == (train, [])
    assert sorted(map(str, made["val"])) == sorted(map(str, val))


def test_shares_are_met_and_every_row_is_in_one_part() -> None:
    made = parted(ROWS, TASK, Shares(val=0.1, test=0.2))
    assert {name: len(rows) for name, rows in made.items()} == {"train": 70, "val": 10, "test": 20}
    assert sorted(map(str, ROWS)) == sorted(str(row) for part in made.values() for row in part)
    assert parted(ROWS, TASK, Shares(val=0.1, test=0.2)) == made
    assert parted(ROWS, TASK, Shares(val=0.1, test=0.2, seed=1)) != made


def test_rows_of_a_group_stay_on_one_side() -> None:
    made = parted(ROWS, TASK, Shares(val=0.15, test=0.15, group="repo"))
    sides = [{row["repo"] for row in part} for part in made.values()]
    assert all(sides) and not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_the_same_question_stays_on_one_side_whatever_its_group() -> None:
    twins = [row | {"repo": f"other{i}"} for i, row in enumerate(ROWS[:50])]
    made = parted([*ROWS, *twins], TASK, Shares(val=0.3, group="repo"))
    train, val = ({data.input_key(TASK, row) for row in made[part]} for part in ("train", "val"))
    assert not train & val


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"val": 0.0}, "validation share"),
        ({"test": 0.9}, "test share"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"group": "owner"}, "column 'owner'.*there are: repo"),
    ],
)
def test_what_cannot_be_is_refused_by_name(shares: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parted(ROWS, TASK, Shares(**shares))


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(BadInput, match="different values of repo"):
        parted(ROWS[:10], TASK, Shares(group="repo"))


def test_columns_to_keep_together_are_those_beside_the_tasks_own() -> None:
    assert columns(ROWS, TASK) == ["repo"]
