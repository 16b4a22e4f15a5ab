"""Evidence as one static page: sections of sentences, facts, tables and drawings. jinja2 escapes whatever comes in.

No script, nothing from elsewhere: page.html forbids both to the browser as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.files import dump_json
from finetune import task_named
from finetune.compare import plain_words, seed_report
from finetune.compare.evidence import curves
from finetune.compare.slices import metric_of
from finetune.task import Task

TEMPLATE = Path(__file__).with_name("page.html")
#: characters of an input that the page shows; the file has them all
SHOWN = 400
VERDICTS = {
    "fine_tuned_better": "adapter better",
    "tie": "both right",
    "baseline_better": "baseline better",
    "both_wrong": "both wrong",
}


@dataclass(frozen=True)
class Table:
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; the template leaves out what is empty."""

    title: str
    words: Sequence[str] = ()
    facts: Sequence[tuple[str, Any]] = ()
    tables: Sequence[Table] = ()
    #: drawings of finetune/compare/evidence/curves.py
    bars: Mapping[str, Any] | None = None
    lines: Mapping[str, Any] | None = None


def drawn(evidence: Mapping[str, Any]) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(title=evidence["title"], made=evidence["made"], sections=sections(evidence))


def sections(evidence: Mapping[str, Any]) -> list[Section]:
    made, found = evidence["report"], []
    if made:
        task = task_named(made["task"])
        found = [_verdict(task, made), _targets(made), _slices(task, made), _setup(evidence, made)]
    found += [_training(one) for one in evidence["training"]]
    if evidence["votes"]:
        found.append(_votes(evidence["votes"]["tally"]))
    if made:
        found.append(_rows(made))
    return [one for one in found if one]


def _verdict(task: Task, made: Mapping[str, Any]) -> Section:
    metrics = sorted(task.metrics, key=lambda metric: metric.key != task.primary)
    heads = ["System", "Rows", *(metric.title for metric in metrics)]
    rows = [[s["title"], s["n"], *(_figure(s["metrics"].get(m.key)) for m in metrics)] for s in made["systems"]]
    words = [made.get("verdict") or f"The base and systems without a model on {made['n']} rows."]
    counts = [(word, made["verdicts"][name]) for name, word in VERDICTS.items()] if "verdicts" in made else []
    if counts:
        words.append(plain_words.mcnemar(made))
    primary = task.primary_metric
    caption = f"{primary.title}: {primary.better} is better. 95 % intervals in brackets"
    bars = curves.intervals(made["systems"], primary.key)
    return Section("Verdict", words, counts, [Table(caption, heads, rows)], bars=bars)


def _targets(made: Mapping[str, Any]) -> Section | None:
    if not made.get("targets"):
        return None
    rows = seed_report.table(made)
    return Section("Targets", tables=[Table("PASS or FAIL", list(rows[0]), [list(row.values()) for row in rows])])


def _slices(task: Task, made: Mapping[str, Any]) -> Section | None:
    if not made.get("slices"):
        return None
    heads = ["By", "Value", "Rows", "Adapter", "Baseline", "Wins", "Losses", "Intervals say"]
    rows = [
        [one["by"], one["value"], one["n"], _figure(one["candidate"]), _figure(one["baseline"]), one["wins"]]
        + [one["losses"], one["says"]]
        for one in made["slices"]
    ]
    caption = f"{metric_of(task).title} by kind of row, most losing first"
    return Section("Where it wins and loses", tables=[Table(caption, heads, rows)])


def _setup(evidence: Mapping[str, Any], made: Mapping[str, Any]) -> Section:
    known = ("run", "base", "engine", "constrained", "data_sha256", "created", "seconds")
    facts = [(key.replace("_", " "), made[key]) for key in known if key in made]
    facts += [(f"weights of {name}", sha256) for name, sha256 in made.get("adapters", {}).items()]
    facts += [("base sha256", evidence["base_sha256"])] if evidence["base_sha256"] else []
    for key in ("format", "sampling", "versions"):
        facts += [(f"{key} {name}", value) for name, value in made.get(key, {}).items()]
    facts += [(f"interval {name}", value) for name, value in evidence["statistics"].items()]
    return Section("How it was measured", facts=[("rows", made["n"]), *facts])


def _training(one: Mapping[str, Any]) -> Section:
    card, job = one["card"], one["job"]
    source = job | card
    facts = [(key, source[key]) for key in ("base", "base_sha256", "trained_on", "weights_sha256") if source.get(key)]
    for key in ("format", "data", "precision", "hardware", "versions", "metrics"):
        facts += [(f"{key} {name}", _plain(value)) for name, value in source.get(key, {}).items()]
    recipe = [[name, _plain(value)] for name, value in (source.get("recipe") or {}).items()]
    figures = [[name.replace("_", " "), value] for name, value in one["figures"].items() if value is not None]
    tables = [
        Table("What the curve comes down to", ("Figure", "Value"), figures),
        Table("The recipe", ("Setting", "Value"), recipe),
    ]
    words = [one["ended"]["reason"]] if one["ended"] else []
    return Section(f"How {one['name']} was trained", words, facts, tables, lines=curves.drawing(one["curve"]))


def _votes(tally: Mapping[str, Any]) -> Section:
    wins = [[system["title"], _figure(tally["wins"][system["name"]])] for system in tally["systems"]]
    facts = [(key.replace("_", " "), tally[key]) for key in ("voters", "votes", "void", "items", "tie", "both_bad")]
    agreed = tally["self_agreement"]
    facts += [("left chosen", _figure(tally["side"]["left"])), ("agreed with themselves", _figure(agreed))]
    table = Table("Share of the votes for one side", ["System", "Preferred"], wins)
    return Section("Blind votes", [tally["sentence"]], facts, [table])


def _rows(made: Mapping[str, Any]) -> Section:
    names = [made[side] for side in ("candidate", "baseline") if side in made] or [s["name"] for s in made["systems"]]
    titles = {system["name"]: system["title"] for system in made["systems"]}
    heads = ["Row", "Input", "Expected", *(titles[name] for name in names), "Verdict"]
    rows = [
        [entry["row"] + 1, _input(entry["input"]), _plain(entry["expected"])]
        + [_answer(entry["answers"].get(name)) for name in names]
        + [VERDICTS.get(entry.get("verdict"), "–")]
        for entry in made["rows"]
    ]
    return Section("Every row", tables=[Table("Worst first; longer inputs are whole in the JSON", heads, rows)])


def _input(columns: Mapping[str, str]) -> str:
    text = "\n\n".join(map(str, columns.values()))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def _answer(given: Mapping[str, Any] | None) -> str:
    if given is None:
        return "not asked"
    mark = "✓" if given["correct"] else "✕"
    return f"{mark} {given['answer']}" + (f" ({given['problem']})" if given["problem"] else "")


def _figure(metric: Mapping[str, Any] | None) -> str:
    if not metric or metric["value"] is None:
        return "–"
    shown = f"{metric['value']:.2f}"
    return shown if metric["low"] is None else f"{shown} ({metric['low']:.2f} to {metric['high']:.2f})"


def _plain(value: Any) -> Any:
    return dump_json(value) if isinstance(value, dict | list) else value
