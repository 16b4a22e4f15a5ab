"""The report of an evaluation: systems with figures and intervals, four verdicts per row, worst rows first.

Built from scored rows alone, so the same numbers come again from the stored answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetune import stats
from finetune.compare import slices, targets
from finetune.compare.confusion import confusion
from finetune.task import Scored, Task

VERDICTS = ("tie", "fine_tuned_better", "baseline_better", "both_wrong")


@dataclass(frozen=True)
class System:
    """One contestant: an adapter, the base alone, the base with examples in the prompt, or no model at all."""

    name: str
    title: str
    kind: str  # "adapter" | "base" | "few-shot" | "trivial"
    adapter: str | None = None
    #: at most this many rows (slow, less interesting systems get fewer); None = all
    limit: int | None = None
    #: its answers may take any form; shown beside the others, never the side of a verdict
    free: bool = False


@dataclass(frozen=True)
class Judged:
    """A system and its scored rows, by row number."""

    system: System
    rows: dict[int, Scored]
    #: what is known of an answer besides its text: seconds, tokens, receipt
    records: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def verdict(candidate: Scored, baseline: Scored) -> str:
    return named_verdict(candidate.correct, baseline.correct)


def named_verdict(candidate: bool, baseline: bool) -> str:
    """One of VERDICTS, by which of the two is right."""
    if candidate:
        return "tie" if baseline else "fine_tuned_better"
    return "baseline_better" if baseline else "both_wrong"


def build(task: Task, judged: Sequence[Judged], facts: dict[str, Any]) -> dict[str, Any]:
    """The whole report. `facts` (base, data digest, engine, seconds ...) are stored as they are."""
    candidate, baseline = _candidate(judged), _baseline(task, judged)
    systems = [_system(task, j) for j in judged]
    report = {
        "task": task.name,
        "primary": task.primary,
        "n": max((len(j.rows) for j in judged), default=0),
        "systems": systems,
        **facts,
    }
    if candidate and baseline:
        shared = sorted(candidate.rows.keys() & baseline.rows.keys())
        pairs = {i: (candidate.rows[i], baseline.rows[i]) for i in shared}
        names = [verdict(a, b) for a, b in pairs.values()]
        report |= {
            "candidate": candidate.system.name,
            "baseline": baseline.system.name,
            "verdicts": {name: names.count(name) for name in VERDICTS},
            "mcnemar_p": stats.mcnemar(names.count("fine_tuned_better"), names.count("baseline_better")),
            "verdict": sentence(task, candidate, baseline),
            "slices": slices.slices(task, pairs),
        }
        if task.targets:
            report["targets"] = targets.checked(task.targets, systems[judged.index(candidate)])
    report["rows"] = _rows(task, judged, candidate, baseline)
    return report


def _system(task: Task, judged: Judged) -> dict[str, Any]:
    rows = list(judged.rows.values())
    metrics = {m.key: stats.figure(m, rows).to_json() for m in task.metrics}
    system = judged.system
    timed = timing([record["seconds"] for record in judged.records.values() if "seconds" in record])
    optional = {"free": system.free, "timing": timed, "confusion": confusion(task, rows)}
    return {
        "name": system.name,
        "title": system.title,
        "kind": system.kind,
        "n": len(rows),
        "metrics": metrics,
    } | {key: found for key, found in optional.items() if found}


def timing(seconds: Sequence[float]) -> dict[str, float]:
    """Seconds an answer; the first apart, because it pays the cold start."""
    if not seconds:
        return {}
    first, *rest = seconds
    warm = sorted(rest) or [first]
    shares = {f"p{share}": warm[len(warm) * share // 100] for share in (50, 75, 90, 95)}
    mean = sum(warm) / len(warm)
    return {"first": first, "mean": round(mean, 4), "min": warm[0], "max": warm[-1]} | shares


def _candidate(judged: Sequence[Judged]) -> Judged | None:
    return next((j for j in judged if j.system.kind == "adapter"), None)


def _baseline(task: Task, judged: Sequence[Judged]) -> Judged | None:
    """The better of the base and the base with examples; in a comparison of two adapters, the second one."""
    plain = [j for j in judged if j.system.kind in ("base", "few-shot") and j.rows and not j.system.free]
    if not plain:
        return next((j for j in judged if j.system.kind == "adapter" and j is not _candidate(judged)), None)
    sign = 1 if task.primary_metric.better == "higher" else -1

    def goodness(j: Judged) -> float:
        value = stats.figure(task.primary_metric, list(j.rows.values())).value
        return float("-inf") if value is None else sign * value

    return max(plain, key=goodness)


def sentence(task: Task, candidate: Judged, baseline: Judged) -> str:
    """What the figures say, in one or two plain sentences; a difference counts only when the intervals are apart."""
    metric = task.primary_metric
    a, b = (stats.figure(metric, list(j.rows.values())) for j in (candidate, baseline))
    if a.value is None or b.value is None:
        return "There are not enough readable answers to compare."
    word = stats.apart(a, b, metric.better)
    figures = f"{_capital(metric.title)}: {_shown(a)} against {_shown(b)}"
    first, second = candidate.system.title, baseline.system.title
    if word != "unclear":
        return f"{_capital(first)} is {word} than {second}. {figures}; the 95 % intervals are apart."
    more = _more_rows(candidate, baseline)
    return f"No clear difference between {first} and {second}. {figures}; the 95 % intervals overlap.{more}"


def _capital(words: str) -> str:
    """As a sentence begins; "macro-F1" keeps what it has."""
    return words[:1].upper() + words[1:]


def _more_rows(candidate: Judged, baseline: Judged) -> str:
    shared = candidate.rows.keys() & baseline.rows.keys()
    names = [verdict(candidate.rows[i], baseline.rows[i]) for i in shared]
    needed = stats.rows_to_tell(names.count("fine_tuned_better"), names.count("baseline_better"), len(names))
    more = needed - len(names) if needed else 0
    return f" About {more} more rows would tell." if more > 0 else ""


def _shown(figure: stats.Figure) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f}, {figure.n} rows)"


def _rows(
    task: Task, judged: Sequence[Judged], candidate: Judged | None, baseline: Judged | None
) -> list[dict[str, Any]]:
    """One entry per row with every system's answer; the rows where the candidate is worst come first."""
    order = sorted({i for j in judged for i in j.rows})
    rows = []
    for i in order:
        row = next(j.rows[i].row for j in judged if i in j.rows)
        entry: dict[str, Any] = {
            "row": i,
            "input": {c: row[c] for c in task.columns},
            "expected": row[task.target],
            "beside": {c: value for c, value in row.items() if c not in (*task.columns, task.target)},
            "answers": {j.system.name: _answer(j.rows[i], j.records.get(i, {})) for j in judged if i in j.rows},
        }
        if candidate and baseline and i in candidate.rows and i in baseline.rows:
            entry["verdict"] = verdict(candidate.rows[i], baseline.rows[i])
        rows.append(entry)
    return sorted(rows, key=lambda entry: _badness(task, candidate, entry["row"]), reverse=True)


def _answer(scored: Scored, record: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: record[key] for key in ("seconds", "tokens") if key in record}
    return {
        "answer": scored.answer,
        "value": scored.value,
        "correct": scored.correct,
        "problem": scored.problem,
        "parts": dict(scored.parts),
    } | known


def _badness(task: Task, candidate: Judged | None, row: int) -> float:
    if not candidate or row not in candidate.rows:
        return float("-inf")
    metric, scored = task.primary_metric, candidate.rows[row]
    part = metric.part(scored) if metric.part else None
    if part is None:
        return 0.0 if scored.correct else 1.0
    return part if metric.better == "lower" else -part
