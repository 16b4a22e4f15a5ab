"""`label DATA --task T --out OUT`: rows without a label, labelled by a larger model in the task's form."""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from backends.catalog import base_named
from backends.errors import NotFound
from backends.files import sha256_of
from backends.settings import Settings, settings
from finetune import task_named
from finetune.cli.common import DONE, FAILED, Ticker, base_asked, command, emit
from finetune.rows import data, teacher
from finetune.rows.table import Table
from finetune.rows.teacher import Label, Teacher
from finetune.rows.versions import Versions
from finetune.task import Task


def add(commands: Any) -> None:
    one = command(commands, "label", label, "let a model of the server in ACR_OPENAI_URL label rows, to be reviewed")
    one.add_argument("data", type=Path, metavar="DATA")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--out", required=True, type=Path, metavar="OUT", help="write the labelled rows there, as JSONL")
    one.add_argument("--model", metavar="M", help="default: ACR_OPENAI_MODEL")
    one.add_argument("--sample", type=int, default=teacher.MOST, metavar="N", help="only the first N of them")
    one.add_argument("--max-dollars", type=float, metavar="D", help="stop there; needs ACR_OPENAI_PRICES")
    one.set_defaults(engine="openai_http")


def label(args: argparse.Namespace) -> int:
    """What was labelled before, of the same file, is taken from there and not paid again."""
    if not args.data.is_file():
        raise NotFound(f"There is no file {args.data}")
    task, model, ticker = task_named(args.task), base_named(base_asked(args)).title, Ticker()
    folder = settings().data_dir / "labels" / sha256_of(args.data)[:32]
    table = _table(folder, args.data, task, settings())
    chosen = Teacher(settings(), task, model, folder)
    wanted = dict(islice(teacher.unlabelled(table), min(args.sample, teacher.MOST)))
    if not wanted:
        raise NotFound(f"Every row of {args.data} that has its inputs has a {task.target} already")
    said: list[Label] = []
    for one in chosen.label(wanted.values(), args.max_dollars):
        said.append(one)
        ticker(f"{len(said)} of {len(wanted)} rows")
    ticker.done()
    labels = {number: one for number, one in zip(wanted, said, strict=False) if one.answer is not None}
    data.write_rows(args.out, _labelled(table, model, labels))
    bill = teacher.bill(settings(), said)
    failures = [{"line": n, "problem": one.problem} for n, one in zip(wanted, said, strict=False) if one.answer is None]
    shape = vars(bill) | {"out": str(args.out), "model": model, "failures": failures}
    words = [f"{bill}", f"Wrote {args.out}; look at the least sure first: each row holds its teacher_confidence."]
    emit(args, shape, "\n".join([*words, *(f"line {one['line']}: {one['problem']}" for one in failures)]))
    return DONE if labels else FAILED


def _table(folder: Path, source: Path, task: Task, places: Settings) -> Table:
    versions = Versions(folder, places)
    if not (folder / "versions.json").exists():
        versions.begin(source, f"rows{source.suffix.lower()}")
    return Table(versions, task, places)


def _labelled(table: Table, model: str, labels: dict[int, Label]) -> Iterator[dict[str, Any]]:
    """The rows that have an answer, by a person or by the teacher; the latter say so."""
    for found in table.every():
        if one := labels.get(found.number):
            about = {"teacher": model, "teacher_confidence": round(one.confidence, 2)}
            yield found.row | {table.task.target: one.answer} | about
        elif not found.problem:
            yield found.row
