"""`generate`: ask an adapter one thing, or a whole file of rows."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends import catalog
from backends.engine_client import Engine
from backends.errors import BadInput
from backends.files import dump_json, replacing
from backends.settings import settings
from finetune import ask
from finetune.cli.common import DONE, FAILED, Ticker, base_asked, command, emit, progress, task_and_adapter
from finetune.rows import data
from finetune.task import Row, Task, Unreadable


def add(commands: Any) -> None:
    one = command(commands, "generate", generate, "ask an adapter: one input, standard input, or a file of rows")
    one.add_argument("input", nargs="?", metavar="INPUT", help="the text, or - for standard input")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--adapter", metavar="A", help="an adapter's name, or none for the base; default: the shipped one")
    one.add_argument("--base", default=catalog.EMBEDDED, metavar="B", help="base to ask when --adapter none")
    one.add_argument("--engine", default="llama_cpp", metavar="E", help="llama_cpp, transformers, openai_http or echo")
    one.add_argument("--model", metavar="M", help="for openai_http: a model of the server in ACR_OPENAI_URL")
    one.add_argument("--free", action="store_true", help="let the answer take any form (no constraint)")
    one.add_argument("--in", dest="rows", type=Path, metavar="ROWS.jsonl")
    one.add_argument("--out", type=Path, metavar="ANSWERS.jsonl")


def generate(args: argparse.Namespace) -> int:
    task, adapter = task_and_adapter(args)
    if bool(args.rows) == (args.input is not None) or bool(args.rows) != bool(args.out):
        raise BadInput("Give either INPUT (or - for standard input), or both --in ROWS.jsonl and --out ANSWERS.jsonl")
    rows = data.read_inputs(args.rows, task, settings()) if args.rows else [input_row(task, _text(args.input))]
    args.base = base_asked(args)
    for row in rows:  # said before an engine starts, which takes seconds
        ask.check_inputs(settings(), task, row)
    with Engine.start(settings(), (args.engine,), parallel=1, base=args.base) as engine:
        ticker = Ticker()
        engine.wait_ready(lambda what, fraction: ticker(f"{what} {fraction:.0%}"))
        ticker.done()
        answers = (_one(engine, args, task, adapter, row) for row in rows)
        return _file(args, answers, len(rows)) if args.rows else _single(args, next(answers))


def _text(given: str) -> str:
    return sys.stdin.read() if given == "-" else given


def input_row(task: Task, text: str) -> dict[str, str]:
    """Plain text for a task with one input; a JSON object with the columns for the others."""
    if len(task.inputs) == 1:
        return {task.columns[0]: text}
    try:
        row = json.loads(text)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise BadInput(f"Task {task.name} has several inputs: give a JSON object with {', '.join(task.columns)}")
    return row


def _one(engine: Engine, args: argparse.Namespace, task: Task, adapter: str | None, row: Row) -> dict[str, Any]:
    chunks = ask.stream(
        engine, settings(), task, row, adapter, base=args.base, backend=args.engine, constrained=not args.free
    )
    answer = ask.collect(chunks)
    value, problem = None, None
    try:
        value = ask.read(task, answer)
    except Unreadable as error:
        problem = str(error)
    return dict(row) | {
        "answer": answer.text,
        "parsed": value,
        "valid": problem is None,
        "problem": problem,
        "probabilities": answer.probabilities,
        "receipt": ask.receipt(answer),
        "seconds": round(answer.usage.seconds, 4),
    }


def _single(args: argparse.Namespace, answer: dict[str, Any]) -> int:
    emit(args, answer, str(answer["answer"]))
    if answer["problem"]:
        progress(f"Not readable: {answer['problem']}")
    return DONE if answer["valid"] else FAILED


def _file(args: argparse.Namespace, answers: Iterator[dict[str, Any]], n: int) -> int:
    ticker, valid = Ticker(), 0
    with replacing(args.out) as part, part.open("w") as out:
        for i, answer in enumerate(answers, 1):
            out.write(dump_json(answer) + "\n")
            valid += answer["valid"]
            ticker(f"{i}/{n} answered")
    ticker.done()
    emit(
        args,
        {"rows": n, "valid": valid, "out": str(args.out)},
        f"{n} answers in {args.out}, {valid} readable",
    )
    return DONE
