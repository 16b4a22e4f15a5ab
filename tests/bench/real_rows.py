"""The shipped adapters on real rows (../shared/data, never trained on), through `eval run` as anybody would use it."""

import json
import random
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.files import read_json
from backends.settings import ROOT, Settings
from finetune import stats, task_named
from finetune.outputs.complexity_label import score as complexity
from finetune.rows import data
from finetune.runs import client, submit
from finetune.task import Row
from tests.figures import cell, table

SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Real:
    #: of its section in RESULTS.md
    name: str
    task: str
    file: str
    what: str
    #: a line of the file -> a row of the task
    row: Callable[[dict[str, Any]], Row] = dict
    #: only so many of the first lines
    first: int | None = None


def _function(line: dict[str, Any]) -> Row:
    code = line["prompt"] + line["canonical_solution"]
    return {"code": code, "score": complexity(code)}


NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _exercise(line: dict[str, Any]) -> Row:
    """An exercise and which of three kinds it is of."""
    found = NUMBER.findall(line["question"])
    if len(found) != 2:
        kind = "more than two numbers"
    elif all(number.isdigit() and len(number) <= 4 for number in found):
        kind = "two integers of up to four digits"
    else:
        kind = "two longer numbers or decimals"
    return {"question": line["question"], "answer": line["answer"], "slice": kind}


def _options(line: dict[str, Any]) -> Row:
    """A question with its options as the context; shuffled, because in the source their order tells the answer."""
    options = [line[letter] for letter in "ABCD"]
    random.Random(line["query_id"]).shuffle(options)
    return {"instruction": line["query"], "input": "\n".join(options), "output": line[line["answer"]]}


HEAD = re.compile(r"def (\w+)\s*(\(.*?\))", re.DOTALL)


def _python(line: dict[str, Any]) -> Row:
    """A problem of MBPP: its sentence with the function's head put in, its tests as asserts about the function."""
    name, parameters = HEAD.search(line["prompt"]).groups()
    checks = re.sub(r"\bcandidate\b", name, line["test"].split("def check(candidate):")[1])
    return {
        "instruction": line["description"].replace("function", f"function {name}{parameters}", 1),
        "output": line["prompt"].strip() + "\n" + line["canonical_solution"],
        "entry_point": name,
        "tests": [check.strip() for check in checks.splitlines() if check.strip()],
    }


REAL = (
    Real(
        "complexity", "complexity", "mbjsp_js_functions.jsonl", "functions of MBJSP, labelled by the formula", _function
    ),
    Real("sourcegraph", "sourcegraph", "sourcegraph_pairs.jsonl", "pairs from logs of public searches"),
    Real("MBPP", "code", "mbpp_python.jsonl", "problems of MBPP, judged by their own tests", _python, first=100),
    Real("MathBench", "math", "mathbench_arithmetic.jsonl", "exercises of MathBench's arithmetic", _exercise),
    Real("GSM8K", "math", "gsm8k_train_2000.jsonl", "word problems of GSM8K", first=200),
    Real(
        "environment",
        "environment",
        "climate_qa_comprehensive.jsonl",
        "questions of the environment seed, all without a context",
    ),
    Real(
        "environment sample",
        "environment",
        "climate_qa_sample.jsonl",
        "questions of the seed's sample, all without a context",
    ),
    Real(
        "ESGenius", "environment", "esgenius_mcq.jsonl", "questions of ESGenius with their options", _options, first=200
    ),
)


def measure(settings: Settings, real: Real) -> str:
    """Every system's first three metrics on one set of real rows."""
    if not SHARED.is_dir():
        return "The real rows are not part of this project; nothing was measured."
    task, report = task_named(real.task), evaluated(settings, real)
    keys = [metric.key for metric in task.metrics if metric.key != "valid"][:3]
    said = f"{report['n']} {real.what}; {report['verdict']}"
    return "\n".join([said, "", *table(report, keys, real.task), *by_slice(report)])


def by_slice(report: dict[str, Any]) -> list[str]:
    """Right answers of the adapter and of the better base, by the column `slice`; nothing where no row has it."""
    systems = (report["candidate"], report["baseline"])
    hits: dict[str, dict[str, list[bool]]] = {}
    for entry in report["rows"]:
        if kind := entry["beside"].get("slice"):
            for name in systems:
                answer = entry["answers"].get(name)
                hits.setdefault(kind, {}).setdefault(name, []).extend([answer["correct"]] if answer else [])
    if not hits:
        return []
    lines = [
        f"| {kind} | {' | '.join(share(found[name]) for name in systems)} | {len(found[systems[0]])} |"
        for kind, found in sorted(hits.items())
    ]
    return ["", f"| right answers by slice | {' | '.join(systems)} | rows |", "|---" * 4 + "|", *lines]


def share(right: list[bool]) -> str:
    return cell(stats.rate(sum(right), len(right)).to_json()) if right else "not asked"


def evaluated(settings: Settings, real: Real) -> dict[str, Any]:
    """The report of an evaluation run on the real rows."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / real.file
        data.write_rows(source, rows_of(real))
        run = submit.evaluation(settings, task_named(real.task), real.task, source=source)
    client.wait(settings, run, lambda view: None)
    return read_json(settings.runs_dir / run / "report.json")


def rows_of(real: Real) -> list[Row]:
    lines = (SHARED / real.file).read_text().splitlines()[: real.first]
    return [real.row(json.loads(line)) for line in lines]
