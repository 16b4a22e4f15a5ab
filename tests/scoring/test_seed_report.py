"""The report of the Sourcegraph seed, made again from rows that were made for it."""

import json

import pytest

from backends.errors import NotFound
from backends.settings import Settings
from finetune import task_named
from finetune.compare import seed_report
from finetune.scoring import report, results
from finetune.scoring.report import Judged, System

TASK = task_named("sourcegraph")
EXPECTED = "repo:^github\\.com/a/b$ lang:go retry"
FACTS = {"base": "openai_http:gpt-4o-mini", "created": "2026-11-21T00:00:00Z", "data_sha256": "d"}
#: answers by (valid syntax, same meaning), the seed's two flags
ANSWERS = {
    (True, True): "repo:x lang:go",
    (True, False): "type:symbol retry",
    (False, True): "repo:x lang:go branch:main",
    (False, False): "branch:main",
}


def judged(system: System, syntax: int, meaning: int, milliseconds: float) -> Judged:
    """50 answers of which so many have valid syntax and so many, the first ones, the same meaning."""
    answers = [ANSWERS[i < syntax, i < meaning] for i in range(50)]
    row = {"natural_language": "retries in a/b", "query": EXPECTED}
    seconds = {i: {"seconds": milliseconds / 1000 if i else 10.0, "tokens": [40, 9]} for i in range(50)}
    return Judged(system, {i: TASK.score(row, answer) for i, answer in enumerate(answers)}, seconds)


def made() -> dict:
    sides = (
        judged(System("mine", "adapter mine", "adapter", adapter="mine"), 49, 34, 2167),
        judged(System("base", "base", "base"), 41, 22, 999),
    )
    return report.build(TASK, sides, {"created": "2026-11-21T00:00:00Z"})


def test_the_seeds_table_with_targets_and_status() -> None:
    lines = [list(row.values())[1:] for row in seed_report.table(made())]
    assert lines == [
        ["49/50 (98%)", "41/50 (82%)", "≥95%", "PASS"],
        ["34/50 (68%)", "22/50 (44%)", "≥70%", "FAIL"],
        ["2167 ms", "999 ms", "≤100 ms", "FAIL"],
    ]


def test_the_cold_start_is_told_apart_and_in_no_average() -> None:
    summary = seed_report.fields(made(), "eval-20261121-000000")["summary"]["fine_tuned"]
    assert (summary["cold_start_latency_ms"], summary["avg_latency_ms"], summary["max_latency_ms"]) == (1e4, 2167, 2167)


def test_the_stored_fields_are_the_seeds() -> None:
    stored = seed_report.fields(made(), "eval-20261121-000000")
    assert list(stored) == ["id", "timestamp", "models", "summary", "results"]
    assert stored["summary"]["total"] == 50
    assert (stored["summary"]["fine_tuned"]["syntax_valid"], stored["summary"]["baseline"]["semantic_match"]) == (
        49,
        22,
    )
    first, last = stored["results"][0], stored["results"][-1]
    assert (first["id"], first["verdict"], last["verdict"]) == ("ex-000", "tie", "both_wrong")
    assert first["fine_tuned"] == {
        "output": "repo:x lang:go",
        "syntax_valid": True,
        "semantic_match": True,
        "hallucinations": [],
        "latency_ms": 10000.0,
        "prompt_tokens": 40,
        "completion_tokens": 9,
    }


def test_verdicts_add_up_to_the_rows() -> None:
    counts = made()["verdicts"]
    assert counts == {"tie": 22, "fine_tuned_better": 12, "baseline_better": 0, "both_wrong": 16}


def test_a_baseline_alone_is_stored_in_the_seeds_shape() -> None:
    alone = report.build(TASK, [judged(System("base", "base", "base"), 41, 22, 999)], FACTS)
    stored = seed_report.baseline(alone)
    assert list(stored) == ["model", "timestamp", "summary", "results"]
    assert seed_report.baseline_file(stored) == "baseline-gpt-4o-mini.json"
    assert (stored["summary"]["syntax_valid"], stored["summary"]["avg_latency_ms"]) == (41, 999)
    assert stored["results"][30] == {
        "id": "ex-030",
        "input": "retries in a/b",
        "expected": EXPECTED,
        "output": "type:symbol retry",
        "syntax_valid": True,
        "semantic_match": False,
        "latency_ms": 999.0,
        "overlap": 1 / 3,
    }


def test_an_adapter_is_compared_with_a_baseline_that_was_stored_before(settings: Settings) -> None:
    """As in the seed: `eval baseline` of a served model, `eval run`, `eval report`; nothing is asked again."""
    folder = settings.evaluations_dir / TASK.name
    served = report.build(TASK, [judged(System("base", "base", "base"), 41, 22, 999)], FACTS)
    folder.mkdir(parents=True)
    (folder / "eval-20261121-000000.json").write_text(json.dumps(served | {"run": "1"}))
    ours = made() | {"base": "gemma-3-270m", "data_sha256": "d", "run": "2"}
    found = results.against(settings, TASK, ours, "gpt-4o-mini")
    assert [system["name"] for system in found["systems"]] == ["mine", "gpt-4o-mini"]
    assert seed_report.table(found)[0]["Baseline"] == "41/50 (82%)"
    assert (found["run"], found["baseline_run"]) == ("2", "1")
    with pytest.raises(NotFound, match="eval baseline --task sourcegraph --engine openai_http --model other"):
        results.against(settings, TASK, ours, "other")
    with pytest.raises(NotFound):
        results.against(settings, TASK, ours | {"rows": ours["rows"][1:]}, "gpt-4o-mini")
    sample = {i: row for i, row in enumerate(served["rows"]) if i < 10}
    (folder / "eval-20261122-000000.json").write_text(json.dumps(served | {"run": "3", "rows": list(sample.values())}))
    found = results.against(settings, TASK, ours, "gpt-4o-mini")
    assert found["baseline_run"] == "3" and sum(found["verdicts"].values()) == 10
