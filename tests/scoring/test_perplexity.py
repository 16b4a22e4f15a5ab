"""Loss on the right answers, with the real base and the shipped adapter."""

import math

import pytest

from backends.settings import Settings
from finetune import examples, task_named
from finetune.rows import data
from finetune.scoring.perplexity import perplexity

pytestmark = pytest.mark.model


def test_the_adapter_expects_the_right_answers_and_the_base_does_not(base_settings: Settings) -> None:
    task = task_named("complexity")
    rows = data.read_rows(examples.path_of(task.name, "test"), task, base_settings)[:8]
    adapter, base = perplexity(base_settings, task, rows, "gemma-3-270m", ["complexity", None])
    assert (adapter["name"], base["name"]) == ("complexity", "base")
    assert adapter["tokens"] == base["tokens"] == 8 * 4  # three of the score and the end
    assert adapter["perplexity"] < base["perplexity"] / 4
    assert base["perplexity"] == pytest.approx(math.exp(base["loss"]), rel=1e-3)
