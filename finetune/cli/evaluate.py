"""`eval baseline|run|report` and `compare`: whole test sets, with intervals and verdicts."""

import argparse
from pathlib import Path
from typing import Any

from backends import adapters, catalog
from backends.errors import AppError, NotFound
from backends.files import read_json
from backends.settings import settings
from finetune import all_tasks, examples, task_named
from finetune.cli import exchange
from finetune.cli.common import (
    DONE,
    Ticker,
    base_asked,
    command,
    default_adapter,
    emit,
    progress,
    table,
    task_and_adapter,
)
from finetune.cli.runs import line
from finetune.compare import forgetting, overview, plain_words, seed_report
from finetune.rows import data
from finetune.runs import client, submit
from finetune.scoring import perplexity as scored
from finetune.scoring import results
from finetune.task import Task


def add(commands: Any) -> None:
    group = commands.add_parser("eval", help="score a whole test set").add_subparsers(required=True, metavar="ACTION")
    for name, handler, words in (
        ("baseline", baseline, "score the base, without and with examples, and the systems without a model"),
        ("run", run, "score an adapter beside the base and the systems without a model"),
        ("report", report, "print the newest stored result; never computes"),
    ):
        one = command(group, name, handler, words)
        which = one.add_mutually_exclusive_group(required=True)
        which.add_argument("--task", metavar="T")
        which.add_argument("--all", action="store_true")
        one.add_argument("--adapter", metavar="A")
        if name == "report":
            one.add_argument("--baseline", metavar="M", help="compare with the stored `eval baseline` of this model")
        else:
            _measuring(one)
    one = command(group, "forgetting", forget, "what an adapter cost: 80 prompts of other kinds, before and after")
    one.add_argument("--adapter", required=True, metavar="A")
    one.add_argument("--engine", default="llama_cpp", metavar="E")
    one.set_defaults(data=None, sample=None, base=catalog.EMBEDDED, model=None, free=False)
    exchange.add(group)
    one = command(group, "perplexity", perplexity, "loss on the right answers, of an adapter and of the base")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--adapter", metavar="A")
    one.add_argument("--data", type=Path, metavar="D", help="rows to score; default: the task's test examples")
    one.add_argument("--sample", type=int, metavar="N", help="only the first N rows")
    one.add_argument("--base", default=catalog.EMBEDDED, metavar="B")
    one.set_defaults(engine="transformers")
    one = command(commands, "compare", compare, "two adapters, or an adapter and the base, on the same rows")
    one.add_argument("first", metavar="A")
    one.add_argument("second", metavar="B", help="an adapter's name, or base")
    one.add_argument("--task", required=True, metavar="T")
    _measuring(one)


def _measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="D", help="rows to score; default: the task's test examples")
    parser.add_argument("--sample", type=int, metavar="N", help="only the first N rows")
    parser.add_argument("--base", default=catalog.EMBEDDED, metavar="B")
    parser.add_argument("--engine", default="llama_cpp", metavar="E")
    parser.add_argument("--model", metavar="M", help="for openai_http: a model of the server in ACR_OPENAI_URL")
    parser.add_argument("--free", action="store_true", help="let answers take any form (no constraint)")


def _chosen(args: argparse.Namespace) -> list[Task]:
    return list(all_tasks().values()) if args.all else [task_named(args.task)]


def baseline(args: argparse.Namespace) -> int:
    return _several(args, lambda task: _measure(args, task, args.adapter))


def run(args: argparse.Namespace) -> int:
    def one(task: Task) -> dict[str, Any]:
        if args.engine == "openai_http" and not args.adapter:
            return _measure(args, task, None)
        adapter = args.adapter or default_adapter(task)
        if not adapter:
            raise NotFound(f"Task {task.name} ships no adapter: name one with --adapter")
        return _measure(args, task, adapter)

    return _several(args, one)


def report(args: argparse.Namespace) -> int:
    def one(task: Task) -> dict[str, Any]:
        found = results.report(settings(), task, args.adapter or default_adapter(task))
        return results.against(settings(), task, found, args.baseline) if args.baseline else found

    return _several(args, one)


def forget(args: argparse.Namespace) -> int:
    made = _measure(args, forgetting.TASK, args.adapter)
    told = forgetting.told(made)
    lines = [table([*told["kinds"], told["total"]], tuple(told["total"])), told["sentence"], told["note"]]
    emit(args, public(made) | {"forgetting": told}, "\n".join(lines))
    return DONE


def compare(args: argparse.Namespace) -> int:
    made = _measure(args, task_named(args.task), args.first, against=args.second)
    emit(args, public(made), words(made))
    return DONE


def perplexity(args: argparse.Namespace) -> int:
    task, adapter = task_and_adapter(args)
    rows = data.read_rows(args.data or examples.path_of(task.name, "test"), task, settings())[: args.sample]
    base = adapters.find(settings(), adapter).base if adapter else args.base
    made = scored.perplexity(settings(), task, rows, base, [adapter, None] if adapter else [None])
    emit(args, {"task": task.name, "systems": made}, table(made, ("name", "perplexity", "loss", "tokens", "rows")))
    return DONE


def _several(args: argparse.Namespace, one: Any) -> int:
    made = []
    for task in _chosen(args):
        try:
            made.append(one(task))
        except NotFound as error:
            if not args.all:
                raise
            progress(str(error))  # the others still have something to show
    if args.all:
        emit(args, [public(r) for r in made], _overview(made))
    else:
        emit(args, public(made[0]), words(made[0]))
    return DONE


def _overview(made: list[dict[str, Any]]) -> str:
    lines = [line for r in made for line in overview.rows(r)]
    return f"{table(lines, overview.COLUMNS)}\n\n{overview.notes(made)}"


def _measure(args: argparse.Namespace, task: Task, adapter: str | None, against: str | None = None) -> dict[str, Any]:
    """Submit the evaluation as a run, follow it, and give its report."""
    run = submit.evaluation(
        settings(),
        task,
        adapter,
        against=against,
        source=args.data,
        sample=args.sample,
        base=base_asked(args),
        engine=args.engine,
        constrained=not args.free,
    )
    ticker = Ticker()
    view = client.wait(settings(), run, lambda view: ticker(line(view)))
    ticker.done()
    if view.status != "succeeded":
        raise AppError(f"Evaluation {run[:8]} {view.status}: {view.reason}")
    return read_json(settings().runs_dir / run / "report.json")


def public(made: dict[str, Any]) -> dict[str, Any]:
    """The shape that scripts rely on: everything but the rows."""
    return {key: value for key, value in made.items() if key not in ("rows", "results")}


def words(made: dict[str, Any]) -> str:
    rows = [
        {"system": s["name"], "what": s["title"]} | {key: _cell(m) for key, m in s["metrics"].items()}
        for s in made["systems"]
    ]
    columns = ["system", *made["systems"][0]["metrics"], "what"]
    lines = [f"{made['task']}, {made['n']} rows, data {made['data_sha256'][:12]}", table(rows, columns)]
    if "verdict" in made:
        counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in made["verdicts"].items())
        lines += [made["verdict"], f"Rows: {counts}", plain_words.mcnemar(made)]
    if made.get("targets"):
        lines.append(table(seed_report.table(made), ("Metric", "Fine-tuned", "Baseline", "Target", "Status")))
    return "\n".join(lines)


def _cell(metric: dict[str, Any]) -> str:
    if metric["value"] is None:
        return "-"
    return f"{metric['value']:.2f} [{metric['low']:.2f}, {metric['high']:.2f}] n={metric['n']}"
