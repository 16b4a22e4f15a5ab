"""The panel of an answer in words: the answer, the place in the text that it comes from, numbers from elsewhere."""

import pytest

from finetune.task import Unreadable
from finetune.tasks.environment import TASK
from tests.tasks.test_environment_task import CONTEXT, ROW
from ui import panels
from ui.panels import passage


def test_the_panel_quotes_the_answer_and_text_stays_text():
    assert "<blockquote" in panels.result(TASK, ROW["output"]) and "12.4 mg/l" in panels.result(TASK, ROW["output"])
    assert "<script" not in panels.result(TASK, "<script>alert(1)</script>")


def test_the_empty_panel_says_what_will_come_and_a_broken_answer_why_there_is_none():
    assert "No answer yet" in panels.result(TASK, "")
    with pytest.raises(Unreadable) as problem:
        TASK.parse("One.\nTwo.")
    assert "an answer is one line" in panels.refused(str(problem.value)).lower()


def test_the_sentence_that_the_answer_comes_from_is_marked():
    shown = passage.source(CONTEXT, ROW["output"])
    assert shown.count("<mark>") == 1 and "<mark>It held 12.4 mg/l of nitrate in 2019.</mark>" in shown
    assert "not in the context" not in shown


def test_a_number_that_the_text_does_not_give_is_named():
    shown = passage.source(CONTEXT, "The Elm Beck held 13.4 mg/l of nitrate in 2019.")
    assert "not in the context: 13.4" in shown and "2019 <" not in shown


def test_an_answer_from_elsewhere_marks_nothing_and_no_context_is_said():
    assert "<mark>" not in passage.source(CONTEXT, "Bananas are yellow.")
    assert "No context was given" in passage.source(" ", "Bananas are yellow.")
    assert "<b>" not in passage.source("<b>Elm</b> Beck is short.", "Elm Beck is short.")
