"""The simple recipes follow the size of a data set."""

import pytest

from backends.errors import BadInput
from finetune.recipes import sized
from finetune.training.batches import steps_in_epoch, total_steps

SIZES = (2, 10, 33, 54, 150, 200, 900, 4_000, 30_000, 200_000)


@pytest.mark.parametrize("name", sized.BOUNDS)
def test_steps_stay_within_what_helps(name: str) -> None:
    bounds = sized.BOUNDS[name]
    for rows in SIZES:
        recipe = sized.sized(name, rows)
        steps = total_steps(rows, recipe)
        assert 1 <= steps <= bounds.most + 20, rows
        assert steps <= bounds.passes * steps_in_epoch(rows, recipe) + 1, rows


def test_more_thorough_means_more_steps_for_every_size() -> None:
    for rows in SIZES:
        quick, balanced, thorough = (total_steps(rows, sized.sized(name, rows)) for name in sized.BOUNDS)
        assert quick <= balanced <= thorough and quick < thorough, rows


def test_few_rows_get_more_passes_than_many() -> None:
    few, many = sized.sized("balanced", 50), sized.sized("balanced", 50_000)
    assert few.num_train_epochs > 4 and few.gradient_accumulation_steps == 1
    assert many.num_train_epochs < 1 and many.gradient_accumulation_steps == 2


def test_what_it_does_is_said() -> None:
    assert sized.words(sized.sized("quick", 54), 54) == "up to 42 steps, 3 passes over the rows"
    with pytest.raises(BadInput, match="no simple recipe 'huge'"):
        sized.sized("huge", 10)
