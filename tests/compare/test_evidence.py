"""The numbers of an evidence page come again from its file; what was changed in it is found; the page is inert."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from backends.errors import BadInput
from backends.settings import Settings
from finetune import cli, task_named
from finetune.compare import evidence
from finetune.compare.evidence import check, curves, page
from finetune.compare.votes import ballots, pairs
from finetune.rows import data
from finetune.scoring import report
from finetune.scoring.report import Judged, System

TASK = task_named("sourcegraph")
HOSTILE = "<script>alert(1)</script><img src=x onerror=\"alert(2)\"> {{ 7 * 7 }} {% raw %} 'quoted'"
RIGHT, WRONG = "repo:x lang:go", "branch:main"


def made() -> dict[str, Any]:
    """30 rows of two categories; the adapter is right on 20 and the base on 10."""
    rows = [
        {"natural_language": f"{HOSTILE} {i}", "query": r"repo:^github\.com/a/b$ lang:go", "category": "ab"[i % 2]}
        for i in range(30)
    ]

    def judged(name: str, kind: str, right: int) -> Judged:
        scored = {i: TASK.score(row, RIGHT if i < right else WRONG) for i, row in enumerate(rows)}
        return Judged(System(name, name, kind, adapter=name), scored, {i: {"seconds": 0.1 + i / 100} for i in scored})

    facts = {"data_sha256": data.digest(rows), "created": "2026-11-21T00:00:00Z", "base": "gemma-3-270m"}
    return report.build(TASK, [judged("mine", "adapter", 20), judged("base", "base", 10)], facts)


@pytest.fixture
def whole(settings: Settings) -> dict[str, Any]:
    return json.loads(evidence.json_of(evidence.of_report(settings, made())))


def test_every_number_comes_again_from_the_file(whole: dict[str, Any]) -> None:
    assert check.differences(whole) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda r: r["systems"][0]["metrics"]["correct"].update(value=0.9), "report.systems[0].metrics.correct.value"),
        (lambda r: r["systems"][1]["metrics"]["item_f1"].update(high=0.01), "report.systems[1].metrics.item_f1.high"),
        (lambda r: r["verdicts"].update(tie=11), "report.verdicts.tie"),
        (lambda r: r.update(mcnemar_p=0.001), "report.mcnemar_p"),
        (lambda r: r["slices"][0].update(wins=30), "report.slices[0].wins"),
        (lambda r: r["targets"][1].update({"pass": True}), "report.targets[1].pass"),
        (lambda r: r["rows"][0]["answers"]["mine"].update(answer=RIGHT), "report.verdicts"),
        (lambda r: r["rows"][0].update(expected="type:diff"), "report.data_sha256"),
        (lambda r: r["rows"][0]["beside"].update(category="b+"), "report.data_sha256"),
        (lambda r: r["rows"].pop(), "report.data_sha256"),
        (lambda r: r.pop("slices"), "report.slices"),
    ],
)  # fmt: skip
def test_what_was_changed_in_the_file_is_found(whole: dict[str, Any], change: Any, found: str) -> None:
    change(whole["report"])
    assert [line for line in check.differences(whole) if line.startswith(found)]


def test_blind_votes_are_in_it_without_the_voters_names(settings: Settings) -> None:
    comparison = pairs.of_report(made())
    ballot = ballots.Ballot(settings, comparison, "lovelace")
    for number in range(3):
        ballot.cast(number, "left")
    whole = json.loads(evidence.json_of(evidence.of_report(settings, made())))
    assert whole["votes"]["tally"]["votes"] == 3 and "lovelace" not in json.dumps(whole["votes"])
    assert check.differences(whole) == []
    whole["votes"]["votes"]["voter 1"][0]["preferred"] = "tie"
    assert any(line.startswith("votes.tally") for line in check.differences(whole))


POINTS = [
    {"step": 0, "eval_loss": 3.0},
    {"step": 10, "loss": 2.0, "tokens_per_second": 500.0},
    {"step": 20, "loss": None, "eval_loss": 0.5},
    {"step": 30, "loss": 0.4, "eval_loss": 0.7},
]


def test_a_training_run_has_its_curve_and_what_it_comes_down_to(settings: Settings) -> None:
    folder = settings.runs_dir / "1234"
    folder.mkdir(parents=True)
    job = {
        "kind": "train",
        "task": "sourcegraph",
        "name": "mine",
        "recipe": {"r": 8, "seed": 0},
        "base": "gemma-3-270m",
    }
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(point) + "\n" for point in POINTS))
    whole = json.loads(evidence.json_of(evidence.of_run(settings, "1234")))
    figures = whole["training"][0]["figures"]
    assert (figures["baseline_eval_loss"], figures["best_eval_loss"], figures["best_step"]) == (3.0, 0.5, 20)
    assert check.differences(whole) == []
    text = page.drawn(whole)
    assert text.count("<polyline") == 2 and ">seed<" in text
    whole["training"][0]["curve"][2]["eval_loss"] = 0.1
    assert len(check.differences(whole)) == 1


def test_a_curve_of_one_point_is_not_drawn() -> None:
    assert curves.drawing(POINTS[:1]) is None and curves.figures([]) == {}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_no_script_fetches_nothing_and_shows_hostile_text_as_text(whole: dict[str, Any]) -> None:
    whole["title"] = HOSTILE
    reader = Reader()
    reader.feed(page.drawn(whole))
    assert not {"script", "img", "link", "iframe", "object", "form", "a", "base"} & set(reader.tags)
    names = {name for name, _ in reader.attributes}
    assert not {"src", "href", "srcset", "style"} & names and not [name for name in names if name.startswith("on")]
    assert "default-src 'none'" in page.drawn(whole)
    assert f"{HOSTILE} 0" in reader.text and f"Evidence: {HOSTILE}" in reader.text
    assert not re.search(r"url\(|@import|https?://", page.drawn(whole))


def test_the_page_says_what_the_file_says(whole: dict[str, Any]) -> None:
    reader = Reader()
    reader.feed(page.drawn(whole))
    made = whole["report"]
    for said in (
        made["verdict"],
        made["data_sha256"],
        "20/30 (67%)",
        "Where it wins and loses",
        "category",
        "PASS",
        "FAIL",
    ):
        assert said in reader.text, said
    assert reader.text.count("branch:main") == 30


@pytest.mark.parametrize(
    "text", ["", "[]", '{"evidence": 2}', '{"evidence": 1}', '{"evidence": 1, "report": {"task": 1}}']
)
def test_a_file_that_is_no_evidence_is_refused_in_one_sentence(settings: Settings, tmp_path: Path, text: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    with pytest.raises(BadInput):
        check.differences(check.read(path, settings))


def test_the_command_writes_both_files_and_tells_a_changed_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACR_DATA_DIR", str(settings.data_dir))
    source = tmp_path / "report.json"
    source.write_text(json.dumps(made()))
    assert cli.main(["evidence", str(source), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(file).name for file in told["files"]] == ["evidence.json", "evidence.html"]
    assert told["differences"] == []
    written = tmp_path / "out" / "evidence.json"
    assert cli.main(["evidence", "check", str(written)]) == 0
    assert "Equal" in capsys.readouterr().out
    written.write_text(written.read_text().replace('"tie": 10', '"tie": 12'))
    assert cli.main(["evidence", "check", str(written)]) == 1
    assert "report.verdicts.tie: stored 12, computed 10" in capsys.readouterr().out
