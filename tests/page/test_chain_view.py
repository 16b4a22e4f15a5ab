"""A routed query on the screen: the plan, each step with who answered it, and what went wrong."""

import html
import re

import pytest

from backends.base import AnswerReceipt, Usage
from backends.catalog import EMBEDDED, base_named
from finetune import all_tasks, task_named
from finetune.ask import Answer
from finetune.chain import BASE, BASE_SEARCH, Agent, Done, Event, Failed, Planned, Started, Writing
from finetune.outputs import router_plan
from finetune.outputs.router_plan import Step
from ui.views import chain_view

HOSTILE = "<img src=x onerror=alert(1)>"
PLAN = router_plan.read(
    router_plan.written(("find", "write"), (Step("/general-search", HOSTILE), Step("/code", "a script")))
)
CODER = Agent("adapter my-code", task_named("code"), "my-code")


def answer(text: str, adapter: str | None = None, finish: str = "stop") -> Answer:
    receipt = AnswerReceipt("llama_cpp", EMBEDDED, adapter, "a1b2c3d4e5" if adapter else None, 1.0 if adapter else 0.0)
    return Answer(text, finish, receipt, Usage(9, 9, 0, 0.1, 0.4))


def pages(*events: Event) -> list[str]:
    return list(chain_view.drawn(iter(events), base_named(EMBEDDED)))


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


PLANNED = Planned(answer("{}", "my-router"), PLAN)
SEARCHED = (
    Started(1, "/general-search", "Find it", Agent(BASE_SEARCH)),
    Done(1, Agent(BASE_SEARCH), answer(f"It is {HOSTILE}", finish="length"), f"It is {HOSTILE}"),
)


def test_a_whole_chain_shows_plan_answers_and_a_receipt_for_each() -> None:
    value = all_tasks()["code"].parse("def f(x):\n    return x")
    *_, page = pages(
        PLANNED, *SEARCHED, Started(2, "/code", "Write f", CODER), Done(2, CODER, answer("def f", "my-code"), value)
    )
    assert page.count('class="acr-receipt"') == 3 and page.count("Answered by the base alone") == 1
    assert "Answered by adapter my-router (a1b2c3d4)" in page and "Answered by adapter my-code (a1b2c3d4)" in page
    text = text_of(page)
    assert (
        text.index("Step 1")
        < text.index("base model, no web search")
        < text.index("Step 2")
        < text.index("adapter my-code")
    )
    assert "Cut after 9 tokens." in text and text.endswith("2 of 2 steps answered.")


def test_text_of_models_is_never_markup() -> None:
    made = pages(
        PLANNED,
        *SEARCHED,
        Started(2, "/code", HOSTILE, CODER),
        Writing(2, HOSTILE),
        Failed(2, CODER, HOSTILE, last=False),
    )
    assert all("<img" not in page for page in made)


def test_a_step_that_falls_back_says_why_beside_the_bases_answer() -> None:
    *_, page = pages(
        PLANNED,
        Started(1, "/code", "Write f", CODER),
        Failed(1, CODER, "Its answer could not be used: no code", last=False),
        Started(1, "/code", "Write f", Agent(BASE)),
        Done(1, Agent(BASE), answer("Like so."), "Like so."),
    )
    text = text_of(page)
    assert (
        "adapter my-code gave no answer, so the base answers this step: Its answer could not be used: no code." in text
    )
    assert "Like so." in text and "1 of 1 step answered, 1 of them by the base instead." in text


def test_a_step_that_nobody_could_answer_says_so() -> None:
    *_, page = pages(
        PLANNED, Failed(1, Agent("/code"), "No adapter", last=False), Failed(1, Agent(BASE), "Gone.", last=True)
    )
    text = text_of(page)
    assert (
        "/code gave no answer" in text and "The base gave no answer: Gone." in text and "0 of 1 step answered." in text
    )


def test_without_a_plan_that_is_said_above_the_answer_to_the_whole_query() -> None:
    *_, page = pages(
        Planned(answer("hm"), None, "There is no plan, so the base answers the whole query"),
        Started(1, None, "Everything?", Agent(BASE)),
        Done(1, Agent(BASE), answer("Yes."), "Yes."),
    )
    assert "There is no plan" in page and "the whole query" in text_of(page.split("<ol")[1])


@pytest.mark.parametrize("number", [0, 1])
def test_text_is_shown_while_it_comes(number: int) -> None:
    first = Started(1, "/code", "Write f", CODER)
    made = pages(*((first,) if number else ()), Writing(number, "so far"))
    assert any("so far" in page for page in made)
