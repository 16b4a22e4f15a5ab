"""The report in the shape and the words of the Sourcegraph seed: its fields in the stored file, its table on screen."""

import re
from collections.abc import Mapping
from typing import Any

from backends.catalog import REMOTE
from finetune import task_named
from finetune.outputs import sourcegraph_query as queries
from finetune.task import Metric

#: part of a row -> field of the seed
FLAGS = ("syntax_valid", "semantic_match")
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def fields(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`id, timestamp, models, summary, results` of a comparison of an adapter with a base, as the seed stores them."""
    sides = {"fine_tuned": report["candidate"], "baseline": report["baseline"]}
    rows = sorted((row for row in report["rows"] if "verdict" in row), key=lambda row: row["row"])
    return {
        "id": name,
        "timestamp": report["created"],
        "models": sides,
        "summary": {"total": len(rows)}
        | {side: _summary(rows, system, _timing(report, system)) for side, system in sides.items()},
        "results": [_result(row, sides) for row in rows],
    }


def baseline(report: Mapping[str, Any]) -> dict[str, Any]:
    """`model, timestamp, summary, results` of a base or a served model without examples, as the seed stores them."""
    rows = sorted((row for row in report["rows"] if "base" in row["answers"]), key=lambda row: row["row"])
    return {
        "model": report["base"].removeprefix(REMOTE),
        "timestamp": report["created"],
        "summary": _summary(rows, "base", _timing(report, "base")),
        "results": [_alone(row, row["answers"]["base"]) for row in rows],
    }


def baseline_file(stored: Mapping[str, Any]) -> str:
    """`baseline-gpt-4o-mini.json`: the newest of a model stands in for the ones before."""
    return f"baseline-{NOT_IN_A_NAME.sub('-', stored['model'])}.json"


def _alone(row: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    side = _side(row, answer)
    overlap = queries.overlap(row["expected"], answer["value"] or "")
    known = ("output", *FLAGS, "latency_ms")
    return _question(row) | {key: side[key] for key in known if key in side} | {"overlap": overlap}


def _question(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": f"ex-{row['row']:03}", "input": " ".join(row["input"].values()), "expected": row["expected"]}


def _timing(report: Mapping[str, Any], name: str) -> Mapping[str, float]:
    return next(system for system in report["systems"] if system["name"] == name).get("timing", {})


def _summary(rows: list[dict[str, Any]], system: str, timing: Mapping[str, float]) -> dict[str, Any]:
    counts = {flag: sum(_flag(row["answers"][system], flag) for row in rows) for flag in FLAGS}
    names = {"avg": "mean", "p75": "p75", "p90": "p90", "min": "min", "max": "max", "cold_start": "first"}
    latency = {f"{ours}_latency_ms": round(1000 * timing[key], 1) for ours, key in names.items() if key in timing}
    return {"total": len(rows)} | counts | latency


def _flag(answer: Mapping[str, Any], flag: str) -> bool:
    return answer["parts"].get(flag) == 1.0


def _result(row: Mapping[str, Any], sides: Mapping[str, str]) -> dict[str, Any]:
    answers = {side: _side(row, row["answers"][system]) for side, system in sides.items()}
    return _question(row) | answers | {"verdict": row["verdict"]}


def _side(row: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    made = {"output": answer["answer"]} | {flag: _flag(answer, flag) for flag in FLAGS}
    made["hallucinations"] = list(queries.lenient(row["expected"], answer["answer"]).hallucinations)
    if "seconds" in answer:
        made["latency_ms"] = round(1000 * answer["seconds"], 1)
    if "tokens" in answer:
        made["prompt_tokens"], made["completion_tokens"] = answer["tokens"]
    return made


def table(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each target: both systems, the target, PASS or FAIL; on the rows that both answered."""
    systems = {system["name"]: system for system in report["systems"]}
    metrics = {metric.key: metric for metric in task_named(report["task"]).metrics}
    sides = {"Fine-tuned": systems[report["candidate"]], "Baseline": systems[report["baseline"]]}
    return [
        {"Metric": metrics[target["metric"]].title if target["metric"] in metrics else "average latency"}
        | {title: _cell(target, metrics.get(target["metric"]), system) for title, system in sides.items()}
        | {"Target": _bound(target), "Status": "PASS" if target["pass"] else "FAIL"}
        for target in report["targets"]
    ]


def _cell(target: Mapping[str, Any], metric: Metric | None, system: Mapping[str, Any]) -> str:
    if metric is None:
        mean = system.get("timing", {}).get("mean")
        return "-" if mean is None else f"{1000 * mean:.0f} ms"
    figure = system["metrics"][target["metric"]]
    return f"{round(figure['value'] * figure['n'])}/{figure['n']} ({figure['value']:.0%})"


def _bound(target: Mapping[str, Any]) -> str:
    sign = "≥" if target["better"] == "higher" else "≤"
    return f"{sign}{target['bound']:.0f} ms" if target["metric"] == "latency_ms" else f"{sign}{target['bound']:.0%}"
