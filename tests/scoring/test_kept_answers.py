"""Base answers are kept by the exact request, and by nothing less."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.base import AnswerReceipt, Request, Segment, Usage
from backends.settings import Settings
from finetune.ask import Answer
from finetune.scoring.kept_answers import KeptAnswers

BASE = "gemma-3-270m"
REQUEST = Request(BASE, (Segment("Rate this:\n"),), max_new_tokens=8)
ANSWER = Answer("5.0", "stop", AnswerReceipt("llama_cpp", BASE, None, None, 0.0), Usage(4, 3, 0, 0.1, 0.2))


@pytest.fixture
def kept(tmp_path: Path) -> KeptAnswers:
    made = KeptAnswers(Settings(data_dir=tmp_path), BASE, "llama_cpp")
    made.put(REQUEST, ANSWER)
    return made


def test_the_same_request_is_answered_again_after_a_restart(kept: KeptAnswers, tmp_path: Path) -> None:
    assert KeptAnswers(Settings(data_dir=tmp_path), BASE, "llama_cpp").get(REQUEST) == ANSWER


@pytest.mark.parametrize(
    "change", [{"max_new_tokens": 9}, {"seed": 1}, {"stop": ("\n",)}, {"prompt": (Segment("Rate this: \n"),)}]
)
def test_any_other_request_is_unknown(kept: KeptAnswers, change: dict) -> None:
    assert kept.get(replace(REQUEST, **change)) is None


def test_another_engine_has_answers_of_its_own(kept: KeptAnswers, tmp_path: Path) -> None:
    assert KeptAnswers(Settings(data_dir=tmp_path), BASE, "transformers").get(REQUEST) is None


def test_a_line_that_a_crash_cut_short_is_passed_over(kept: KeptAnswers, tmp_path: Path) -> None:
    with kept.path.open("a") as out:
        out.write('{"request": "abc", "te')
    assert KeptAnswers(Settings(data_dir=tmp_path), BASE, "llama_cpp").get(REQUEST) == ANSWER
