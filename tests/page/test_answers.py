"""An answer on the page: its panel, its receipt in words, or why it cannot be read."""

import pytest

from backends.base import AnswerReceipt, Chunk, Usage
from backends.catalog import EMBEDDED, base_named
from finetune import all_tasks, task_named
from tests.parts.hostile import HOSTILE
from ui import html, panels
from ui.views import answers

TASK = task_named("complexity")


def test_every_task_names_a_panel_that_exists() -> None:
    assert {task.panel for task in all_tasks().values()} <= panels.panels().keys()


@pytest.mark.parametrize(("score", "band"), [(1.0, "Simple"), (3.0, "Simple"), (3.1, "Moderate"), (8.6, "Critical")])
def test_the_gauge_says_number_band_and_scale_in_words(score: float, band: str) -> None:
    shown = panels.result(TASK, score)
    assert f"JavaScript complexity: {score:.1f} on a scale from 1 to 10, {band}" in shown
    assert f">{score:.1f}</span>" in shown and f">{band}</strong>" in shown


def streamed(text: str, finish: str = "stop", adapter: str | None = "complexity") -> html.Html:
    given = AnswerReceipt("llama_cpp", EMBEDDED, adapter, "a1b2c3d4e5" if adapter else None, 1.0 if adapter else 0.0)
    chunks = [Chunk(text), Chunk(finish=finish, usage=Usage(5, 3, 0, 0.1, 0.4), receipt=given)]
    *_, last = answers.streamed(TASK, base_named(EMBEDDED), chunks)
    return last


def test_an_answer_ends_with_its_panel_its_receipt_in_words_and_the_raw_text() -> None:
    shown = streamed("4.2")
    assert "Moderate" in shown
    assert "Answered by adapter complexity (a1b2c3d4), scale 1.0, engine llama.cpp; 0.4 s" in shown
    assert "<summary>Raw answer</summary>" in shown


def test_the_base_alone_is_named_as_such() -> None:
    assert "Answered by the base alone (Gemma 3 270M" in streamed("4.2", adapter=None)


def test_an_unreadable_answer_is_refused_escaped_and_never_turned_into_a_score() -> None:
    shown = streamed(HOSTILE)
    assert "no readable answer" in shown and "<svg" not in shown
    assert "<script" not in shown and "<img" not in shown


def test_an_answer_that_a_limit_cut_is_not_shown_as_a_score() -> None:
    assert "cut at 3 tokens" in streamed("4.2", finish="length")
