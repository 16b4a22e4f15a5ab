"""What did it forget? Eighty prompts that no adapter is made for, asked before and after, judged by rule and no model.

A task like any other, so that evaluation, report and statistics are the usual ones; its rows are
`examples/forgetting/test.jsonl`, and those of `train.jsonl` stand before every question as examples, so that a base
that was never taught to follow instructions knows the form. Not covered: long answers, other languages.
"""

from collections.abc import Mapping
from typing import Any

from backends.errors import BadInput
from finetune.compare import plain_words
from finetune.compare.forgetting import rules
from finetune.rows import data
from finetune.task import Field, Metric, Row, Task, Unreadable

#: below this share of right answers a base has little that it could forget
WEAK = 0.5


def clean(row: Row) -> dict[str, Any]:
    prompt, right, kind = (data.text_in(row, column) for column in ("prompt", "right", "kind"))
    if not isinstance(row.get("rule"), Mapping):
        raise BadInput('column rule: an object such as {"number": 12} is needed')
    rules.check(row["rule"])
    return {"prompt": prompt, "right": right, "rule": dict(row["rule"]), "kind": kind}


def parse(answer: str) -> str:
    if not answer.strip():
        raise Unreadable("the answer is empty")
    return answer.strip()


def judge(row: Row, value: str) -> tuple[bool, dict[str, float]]:
    return rules.holds(row["rule"], value), {}


def told(report: Mapping[str, Any]) -> dict[str, Any]:
    """`{"kinds": [{"kind", "n", "base", "adapter", "forgot", "gained"}], "total", "sentence", "note"}` of a report."""
    rows = [row for row in report["rows"] if "verdict" in row]
    kinds = dict.fromkeys(row["beside"]["kind"] for row in sorted(rows, key=lambda row: row["row"]))
    total = _counts("all", rows)
    return {
        "kinds": [_counts(kind, [row for row in rows if row["beside"]["kind"] == kind]) for kind in kinds],
        "total": total,
        "sentence": _sentence(total, report["mcnemar_p"]),
        "note": _note(total),
    }


def _counts(kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    verdicts = [row["verdict"] for row in rows]
    both, gained, forgot = (verdicts.count(name) for name in ("tie", "fine_tuned_better", "baseline_better"))
    return {
        "kind": kind,
        "n": len(rows),
        "base": both + forgot,
        "adapter": both + gained,
        "forgot": forgot,
        "gained": gained,
    }


def _sentence(total: Mapping[str, Any], p: float) -> str:
    if not total["base"]:
        return f"The base alone gets none of {total['n']} prompts right, so this probe cannot show a loss."
    kept = total["base"] - total["forgot"]
    return (
        f"Of the {total['base']} prompts that the base alone gets right, the adapter still gets {kept} and forgot "
        f"{total['forgot']}; it gets {total['gained']} that the base does not. "
        + plain_words.chance(total["gained"], total["forgot"], p)
    )


def _note(total: Mapping[str, Any]) -> str:
    if total["base"] >= WEAK * total["n"]:
        return "The prompts are few and short: a small loss elsewhere can go unseen."
    return (
        f"The base itself gets only {total['base']} of {total['n']}: it was never taught to follow instructions, or is "
        "small. What it cannot do cannot be forgotten, so little can be seen to be lost here; on a base that follows "
        "instructions the same probe says more."
    )


TASK = Task(
    name="forgetting",
    title="What did it forget?",
    summary="Eighty short prompts that have nothing to do with what the adapter was taught, before and after.",
    inputs=(Field("prompt", "Question"),),
    target="right",
    instruction="Do what the question asks and write nothing else.",
    cue="Answer:",
    max_new_tokens=48,
    panel="chip",
    constraint=None,
    samples=(),
    clean=clean,
    answer_of=lambda row: row["right"],
    parse=parse,
    judge=judge,
    metrics=(Metric("right", "right answers", "rate", "higher", part=lambda scored: float(scored.correct)),),
    primary="right",
    trivial=(),
    stop=("\n\n",),
    probe=True,
)
