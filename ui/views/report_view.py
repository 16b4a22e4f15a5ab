"""An evaluation report on the screen: the verdict, systems with intervals, counts, worst rows first."""

from collections.abc import Sequence
from typing import Any

from backends.catalog import bases
from finetune.task import Task
from ui import html, words
from ui.html import Html
from ui.views import rows_view, slices_view

TONES = {"fine_tuned_better": "good", "tie": "plain", "baseline_better": "bad", "both_wrong": "bad"}
#: kind of system -> the shape that the chart draws it with
SHAPES = {"adapter": "◆", "base": "●", "few-shot": "○", "trivial": "■"}
NONE = html.empty(
    "The verdict appears here",
    "Press Start: the adapter, the base alone and systems without any model answer the same held-out rows.",
    "You see the error of each with its 95 % interval, and every row where they differ.",
)


def verdict(task: Task, report: dict[str, Any]) -> Html:
    """The sentence, where it comes from, the four counts, targets, systems, kinds of rows."""
    counts = report.get("verdicts")
    return html.el(
        "div",
        html.el(
            "div",
            html.el("p", report.get("verdict") or _baseline_only(report), cls="acr-lead"),
            _origin(report),
            cls="acr-card",
        ),
        _counts(counts) if counts else None,
        slices_view.disagreements(report),
        slices_view.targets(report),
        systems(task, report),
        _confusion(report),
        slices_view.slices(task, report),
        cls="acr-stack",
    )


def _baseline_only(report: dict[str, Any]) -> str:
    return f"Only the base and systems without a model were scored on {words.count(report['n'], 'row')}."


def _origin(report: dict[str, Any]) -> Html:
    base = bases().get(report.get("base", ""))
    said = [
        f"{words.count(report['n'], 'held-out row')}",
        base.title if base else report.get("base"),
        f"engine {words.ENGINES.get(report['engine'], report['engine'])}" if report.get("engine") else None,
        words.duration(report["seconds"]) if report.get("seconds") else None,
        words.when(report.get("created")),
    ]
    return html.el("p", " · ".join(filter(None, said)), cls="acr-receipt")


def _counts(counts: dict[str, int]) -> Html:
    pairs = [(*words.VERDICTS[name], counts.get(name, 0)) for name in words.VERDICTS]
    return html.el(
        "dl",
        *(html.el("div", html.el("dt", f"{shape} {word}"), html.el("dd", f"{n:,}")) for word, shape, n in pairs),
        cls="acr-verdicts",
        aria_label="Verdicts by row",
    )


def systems(task: Task, report: dict[str, Any]) -> Html:
    """Every system with every metric; the primary one first."""
    metrics = sorted(task.metrics, key=lambda metric: metric.key != task.primary)
    heads = ("System", "Rows", *(f"{m.title}{f', {m.unit}' if m.unit else ''}" for m in metrics))
    rows = [
        (_system(s), f"{s['n']:,}", *(_figure(s["metrics"].get(m.key)) for m in metrics)) for s in report["systems"]
    ]
    caption = f"95 % intervals in brackets; {task.primary_metric.title}: {task.primary_metric.better} is better"
    return html.table(heads, rows, caption, numeric=range(1, len(heads)))


def _confusion(report: dict[str, Any]) -> Html | None:
    """Which label was taken for which, of the system that the report is about."""
    shown = next((s for s in report["systems"] if s["name"] == report.get("candidate") and s.get("confusion")), None)
    if shown is None:
        return None
    counts = shown["confusion"]
    given = list(next(iter(counts.values())))
    rows = [(label, *(f"{counts[label][g]:,}" for g in given)) for label in counts]
    heads = ("Expected", *(f"answered {g}" for g in given))
    return html.table(heads, rows, f"What {shown['title']} answered, in rows", numeric=range(1, len(heads)))


def _system(system: dict[str, Any]) -> Html:
    mark = html.el("span", f"{SHAPES.get(system['kind'], '■')} ", aria_hidden="true")
    note = html.el("small", "no model") if system["kind"] == "trivial" else None
    return html.el("div", mark, system["title"], note, cls="acr-system")


def _figure(metric: dict[str, Any] | None) -> Html:
    value, _, interval = words.figure(metric).partition(" ")
    return html.join(value, html.el("small", interval) if interval else None)


def rows_table(report: dict[str, Any], rows: Sequence[dict[str, Any]], caption: str) -> Html:
    """What was answered in these rows by the two that are compared, or by the models where nothing is."""
    compared = [report[side] for side in ("candidate", "baseline") if report.get(side)]
    names = compared or [system["name"] for system in report["systems"] if system["kind"] != "trivial"]
    titles = {system["name"]: system["title"] for system in report["systems"]}
    heads = ("Row", "Verdict", "Input", "Expected", *(titles.get(name, name) for name in names))
    return html.table(heads, [_row(entry, names) for entry in rows], caption, numeric=(0,))


def _row(entry: dict[str, Any], names: list[str]) -> list[Any]:
    text = " ".join(str(value) for value in entry["input"].values())
    given = (entry["answers"].get(name) for name in names)
    verdict = entry.get("verdict")
    shown = html.chip(*words.VERDICTS[verdict], TONES[verdict]) if verdict in words.VERDICTS else "–"
    expected = html.el("span", str(entry["expected"]), cls="acr-text")
    return [f"{entry['row'] + 1:,}", shown, rows_view.excerpt(text, 110), expected, *map(_answer, given)]


def _answer(given: dict[str, Any] | None) -> Any:
    if given is None:
        return "not asked"
    if given.get("problem"):
        problem, whole = words.short(given["problem"], 60), words.short(given["answer"], 300)
        return html.el("span", "✕ ", problem, title=whole, cls="acr-text")
    return html.el("span", words.short(str(given["value"]), 120), cls="acr-text")
