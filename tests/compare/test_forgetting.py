"""The probe of forgetting: every rule accepts a right and refuses a wrong answer, and a result says what was lost."""

from collections import Counter
from typing import Any

import pytest

from backends.errors import BadInput
from backends.settings import Settings
from finetune import all_tasks, ask, examples, task_named
from finetune.compare import forgetting
from finetune.compare.forgetting import rules
from finetune.rows import data
from finetune.runs import submit
from finetune.scoring import report
from finetune.scoring.report import Judged, System

TASK = task_named("forgetting")
ROWS = data.read_jsonl(examples.path_of("forgetting", "test"))

RULES = [
    ("is", ["Oslo"], ["oslo", '"Oslo".', " Oslo\n"], ["Oslo!", "It is Oslo", "Bergen", ""]),
    ("number", 12, ["12", "7 + 5 = 12", "12.0", "The answer is 12."], ["13", "12 or 13", "twelve", "-12"]),
    ("number", 1250, ["1,250"], ["1", "250"]),
    ("between", [1, 3], ["1", "2.5", "about 3"], ["0", "4", "1 or 2", "low"]),
    (
        "json",
        {"a": 1},
        ['{"a": 1}', '{ "a":1 }'],
        ['{"a": "1"}', '{"a": 1} is it', "{'a': 1}", '{"a": true}', "[" * 9000],
    ),
    ("json", True, ["true"], ["1", "True", '"true"']),
    ("words", 3, ["one two three"], ["one two", "one two three four"]),
    ("most_words", 2, ["one", "one two"], ["one two three"]),
    ("parts", 2, ["red, blue"], ["red", "red, blue, green", "red,"]),
    ("lines", 2, ["a\nb", "a\n\nb\n"], ["a", "a\nb\nc"]),
    ("each_starts", "-", ["- a\n- b"], ["- a\nb", "* a"]),
    ("starts", "because", ["Because of it", "because"], ["It is because", ""]),
    ("ends", "!", ["Good luck!"], ["Good luck"]),
    ("upper", True, ["HARBOUR"], ["Harbour", "12"]),
    ("lower", True, ["paris"], ["Paris", "12"]),
    ("contains_all", ["repo:", "a"], ["repo:a"], ["repo:", "b"]),
    ("contains_any", ["co2", "carbon dioxide"], ["CO2", "It is carbon dioxide"], ["methane"]),
    ("lacks", ["password"], ["passphrase"], ["Password"]),
]


@pytest.mark.parametrize(("name", "wanted", "right", "wrong"), RULES)
def test_a_rule_accepts_right_answers_and_refuses_wrong_ones(
    name: str, wanted: Any, right: list[str], wrong: list[str]
) -> None:
    assert [answer for answer in right if not rules.holds({name: wanted}, answer)] == []
    assert [answer for answer in wrong if rules.holds({name: wanted}, answer)] == []


def test_every_rule_is_tested_and_every_rule_of_the_file_exists() -> None:
    assert {name for name, *_ in RULES} == rules.RULES.keys()
    assert {name for row in ROWS for name in row["rule"]} <= rules.RULES.keys()


def test_the_probe_has_eighty_prompts_of_five_kinds() -> None:
    kinds = {"instruction": 20, "arithmetic": 20, "json": 15, "refusal": 10, "our tasks": 15}
    assert Counter(row["kind"] for row in ROWS) == kinds
    shown = data.read_jsonl(examples.path_of("forgetting", "train"))
    assert len({row["prompt"] for row in (*ROWS, *shown)}) == 80 + len(kinds) == 80 + len(shown)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["prompt"][:40])
def test_every_prompt_has_a_right_answer_that_passes_and_no_parrot_does(row: dict[str, Any]) -> None:
    assert TASK.score(row, row["right"]).correct
    for parrot in ("", "   ", row["prompt"], "I do not know.", "The", "repo:a", "STORE", "```"):
        assert not TASK.score(row, parrot).correct, parrot


def test_an_answer_that_another_prompt_wants_is_right_for_few() -> None:
    """No rule lets nearly anything pass: at most a tenth of the other prompts' answers."""
    for row in ROWS:
        others = {other["right"] for other in ROWS if other["right"] != row["right"]}
        assert sum(TASK.score(row, answer).correct for answer in others) <= len(others) / 10, row["prompt"]


@pytest.mark.parametrize("rule", [{}, {"regex": ".*"}, "is"])
def test_a_rule_that_does_not_exist_is_refused(rule: Any) -> None:
    with pytest.raises(BadInput, match="column rule"):
        TASK.clean({"prompt": "a", "right": "b", "kind": "c", "rule": rule})


def made(base_right: int, still: int, gained: int) -> dict[str, Any]:
    """A base that is right on the first prompts, an adapter that kept `still` of them and gained others."""
    before = [i < base_right for i in range(len(ROWS))]
    after = [i < still or base_right <= i < base_right + gained for i in range(len(ROWS))]

    def judged(system: System, right: list[bool]) -> Judged:
        return Judged(
            system, {i: TASK.score(ROWS[i], ROWS[i]["right"] if good else "never") for i, good in enumerate(right)}
        )

    sides = [
        judged(System("mine", "adapter mine", "adapter", "mine"), after),
        judged(System("base", "base", "base"), before),
    ]
    return report.build(TASK, sides, {})


def test_what_was_lost_is_told_by_kind_and_in_a_sentence() -> None:
    told = forgetting.told(made(60, 20, 2))
    assert told["total"] == {"kind": "all", "n": 80, "base": 60, "adapter": 22, "forgot": 40, "gained": 2}
    assert [kind["kind"] for kind in told["kinds"]] == ["instruction", "arithmetic", "json", "refusal", "our tasks"]
    assert "still gets 20 and forgot 40; it gets 2 that the base does not. That is more than chance" in told["sentence"]


def test_a_loss_that_chance_explains_is_not_called_forgetting_for_sure() -> None:
    assert "Chance alone would do" in forgetting.told(made(60, 58, 1))["sentence"]


def test_a_base_that_can_do_little_is_said_to_have_little_to_forget() -> None:
    assert "What it cannot do cannot be forgotten" in forgetting.told(made(9, 3, 0))["note"]
    assert "cannot show a loss" in forgetting.told(made(0, 0, 0))["sentence"]
    assert "can go unseen" in forgetting.told(made(60, 58, 1))["note"]


def test_it_is_no_task_of_the_page_and_can_be_asked_of_every_adapter(base_settings: Settings) -> None:
    assert TASK.probe and "forgetting" not in all_tasks()
    name = next(iter(all_tasks()))
    probed = ask.request(base_settings, TASK, ROWS[0], name)
    alone = ask.request(base_settings, TASK, ROWS[0], None)
    assert probed.adapter == name and probed.prompt == alone.prompt
    assert [system.name for system in submit.systems(TASK, name)] == [name, "base"]
