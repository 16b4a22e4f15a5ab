"""Files of other tools: written from a report, read again, judged again to the same figures."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from backends.errors import BadInput
from backends.files import read_json
from backends.settings import Settings
from finetune import cli, examples, task_named
from finetune.compare import exchange
from finetune.rows import data
from finetune.scoring import report
from finetune.scoring.report import Judged, System

TASK = task_named("observer_utility")
LABELS = ("DISCARD", "STORE", "IMPORTANT")


def made() -> dict[str, Any]:
    rows = [
        {"user_message": f"=1+{i}", "assistant_message": "Well", "label": LABELS[i % 3], "shape": f"s{i % 2}"}
        for i in range(12)
    ]

    def judged(name: str, kind: str, step: int, count: int = 12) -> Judged:
        scored = {i: TASK.score(row, LABELS[(i // step) % 3]) for i, row in enumerate(rows[:count])}
        return Judged(System(name, f"{kind} {name}", kind, name), scored, {i: {"seconds": 0.25} for i in scored})

    sides = [judged("majority", "trivial", 12), judged("mine", "adapter", 1), judged("base", "base", 2, 9)]
    return report.build(TASK, sides, {"created": "2026-11-21T00:00:00Z", "data_sha256": data.digest(rows)})


REPORT = made()


def written(tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"{name}.json"
    path.write_text(exchange.WRITERS[name](REPORT))
    return path


def figures(made: dict[str, Any], title: str) -> Any:
    system = next(s for s in made["systems"] if s["title"] == title or s["name"] == title)
    return {key: metric["value"] for key, metric in system["metrics"].items()}


def test_llm_comparator_there_and_back(settings: Settings, tmp_path: Path) -> None:
    found = exchange.read(written(tmp_path, "llm-comparator"), settings)
    assert (found["source"], found["systems"], found["n"]) == ("llm-comparator", ["adapter mine", "base base"], 9)
    assert found["verdicts"] == REPORT["verdicts"] and found["mcnemar_p"] == pytest.approx(REPORT["mcnemar_p"])
    again = exchange.scored(found, TASK)
    assert again["verdicts"] == REPORT["verdicts"]
    assert figures(again, "base base") == figures(REPORT, "base base")


def test_llm_comparator_has_the_keys_of_its_own_smallest_example(tmp_path: Path) -> None:
    document = read_json(written(tmp_path, "llm-comparator"))
    assert document.keys() == {"metadata", "models", "examples"}
    assert document["metadata"].keys() == {"source_path", "custom_fields_schema"}
    example = document["examples"][0]
    known = (
        "input_text",
        "tags",
        "output_text_a",
        "output_text_b",
        "score",
        "individual_rater_scores",
        "custom_fields",
    )
    assert tuple(example) == known
    assert {field["name"] for field in document["metadata"]["custom_fields_schema"]} == example["custom_fields"].keys()


def test_a_file_of_llm_comparator_itself_is_read_by_its_scores(settings: Settings, tmp_path: Path) -> None:
    chunks = [
        {"type": "text", "data": "Which "},
        {"type": "image_byte", "data": "AAAA"},
        {"type": "text", "data": "city?"},
    ]
    pairs = [("a", "b", 0.5), ("c", "d", -1.0), ("e", "f", 0.0), ("g", "h", None)]
    examples = [
        {"input_text": chunks, "tags": [], "output_text_a": a, "output_text_b": b, "score": score, "custom_fields": {}}
        for a, b, score in pairs
    ]
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"metadata": {}, "models": [{"name": "1.1"}, {"name": "1.0"}], "examples": examples}))
    found = exchange.read(path, settings)
    assert found["rows"][0]["fields"]["input"] == "Which city?"
    assert found["verdicts"] == {"tie": 1, "fine_tuned_better": 1, "baseline_better": 1, "both_wrong": 0}


def test_promptfoo_there_and_back(settings: Settings, tmp_path: Path) -> None:
    found = exchange.read(written(tmp_path, "promptfoo"), settings)
    assert found["systems"] == ["mine", "base", "majority"] and found["n"] == 12
    assert found["verdicts"] == REPORT["verdicts"]
    again = exchange.scored(found, TASK)
    assert again["verdicts"] == REPORT["verdicts"] and again["verdict"].startswith(("Mine is", "No clear"))
    for name in ("mine", "base", "majority"):
        assert figures(again, name) == figures(REPORT, name)
    assert again["systems"][0]["timing"]["mean"] == 0.25


def test_promptfoo_has_the_keys_that_its_viewer_reads(tmp_path: Path) -> None:
    document = read_json(written(tmp_path, "promptfoo"))
    summary = document["results"]
    assert {"evalId", "results", "config", "shareableUrl"} <= document.keys() and summary["version"] == 3
    passed = sum(result["success"] for result in summary["results"])
    assert (summary["stats"]["successes"], summary["stats"]["failures"]) == (passed, len(summary["results"]) - passed)
    assert [prompt["provider"] for prompt in summary["prompts"]] == ["mine", "base", "majority"]
    assert "{{user_message}}" in summary["prompts"][0]["raw"]


def test_a_file_of_promptfoo_itself_is_read(settings: Settings, tmp_path: Path) -> None:
    """Providers as plain texts, several prompts for one of them, an output that is an object, an error without one."""

    def result(test: int, prompt: int, provider: Any, success: bool, **more: Any) -> dict[str, Any]:
        return {
            "testIdx": test,
            "promptIdx": prompt,
            "provider": provider,
            "success": success,
            "vars": {"q": "?"},
        } | more

    first, second = {"id": "openai:gpt", "label": "short"}, "openai:gpt"
    results = [
        result(0, 0, first, True, response={"output": {"a": 1}}),
        result(0, 1, second, False, error="timeout"),
        result(1, 0, first, False, response={"output": "x"}),
        result(1, 1, second, False, response=None),
    ]
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps({"evalId": "e", "results": {"version": 2, "results": results, "stats": {}}}))
    found = exchange.read(path, settings)
    assert found["systems"] == ["openai:gpt, prompt 1", "openai:gpt, prompt 2"]
    assert found["rows"][0]["answers"]["openai:gpt, prompt 1"]["answer"] == '{"a": 1}'
    assert found["verdicts"] == {"tie": 0, "fine_tuned_better": 1, "baseline_better": 0, "both_wrong": 1}


@pytest.mark.parametrize(
    "text",
    ["", "{broken", "{}", '{"results": []}', '{"models": [], "examples": []}', '{"results": {"results": [{}]}}',
     '{"models": [{"name": "a"}, {"name": "b"}], "examples": [{"input_text": "x"}]}'],
)  # fmt: skip
def test_a_file_of_no_such_tool_is_refused(settings: Settings, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BadInput):
        exchange.read(path, settings)


def test_rows_that_the_task_does_not_take_are_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="row 1 cannot be one of sourcegraph"):
        exchange.scored(exchange.read(written(tmp_path, "promptfoo"), settings), task_named("sourcegraph"))


def test_j9_the_table_has_every_row_and_no_cell_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(exchange.WRITERS["csv"](REPORT))))
    assert len(rows) == 12 and not [cell for row in rows for cell in row.values() if cell.startswith("=")]
    plain = json.loads(exchange.WRITERS["json"](REPORT))
    assert {row["user_message"] for row in plain} == {f"=1+{i}" for i in range(12)}
    assert [row["user_message"] for row in rows] == [f"'{row['user_message']}" for row in plain]
    assert [row["mine: correct"] == "True" for row in rows] == [row["mine: correct"] for row in plain]
    assert {row["shape"] for row in rows} == {"s0", "s1"}


def test_an_openai_file_becomes_a_test_set(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACR_DATA_DIR", str(settings.data_dir))
    rows = [
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": f"find {w} in go"},
                      {"role": "assistant", "content": f"lang:go {w}"}]}
        for w in ("retry", "timeout")
    ]  # fmt: skip
    source, out = tmp_path / "openai.jsonl", tmp_path / "test.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.main(["eval", "import", str(source), "--task", "sourcegraph", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    assert data.read_jsonl(out)[1] == {"natural_language": "find timeout in go", "query": "lang:go timeout"}
    assert cli.main(["eval", "import", str(source)]) == 1


@pytest.mark.parametrize("kind", list(exchange.WRITERS))
def test_the_shipped_result_can_be_exported_by_the_command(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("ACR_DATA_DIR", str(settings.data_dir))
    out = tmp_path / "out"
    assert cli.main(["eval", "export", "--task", "complexity", "--format", kind, "--out", str(out)]) == 0
    stored = read_json(examples.report_path("complexity"))
    assert str(stored["rows"][0]["expected"]) in out.read_text()
