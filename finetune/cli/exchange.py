"""`eval export` and `eval import`: results in the files of other tools, and test sets of OpenAI's fine-tuning."""

import argparse
from pathlib import Path
from typing import Any

from backends.errors import BadInput
from backends.files import read_json, write_bytes, write_json
from backends.settings import settings
from finetune import task_named
from finetune.cli.common import DONE, command, default_adapter, emit
from finetune.compare import exchange, plain_words
from finetune.rows import data
from finetune.scoring import results

LINES = (".jsonl", ".ndjson")


def add(group: Any) -> None:
    one = command(group, "export", export, "the newest stored result as a file of another tool; never computes")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--adapter", metavar="A")
    one.add_argument("--format", choices=tuple(exchange.WRITERS), default="csv")
    one.add_argument("--out", type=Path, required=True, metavar="FILE")
    one = command(group, "import", bring_in, "results of LLM Comparator or promptfoo, or an OpenAI file as a test set")
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--task", metavar="T", help="judge the answers, or read the rows, as this task's")
    one.add_argument("--out", type=Path, metavar="FILE", help="the report made from them, or the clean rows")


def export(args: argparse.Namespace) -> int:
    task = task_named(args.task)
    made = results.report(settings(), task, args.adapter or default_adapter(task))
    write_bytes(args.out, exchange.WRITERS[args.format](made).encode())
    told = {"format": args.format, "rows": len(made["rows"]), "out": str(args.out)}
    emit(args, told, f"Wrote {told['rows']} rows to {args.out}")
    return DONE


def bring_in(args: argparse.Namespace) -> int:
    if args.file.suffix in LINES or isinstance(read_json(args.file), list):
        return _test_set(args)
    found = exchange.read(args.file, settings())
    made = exchange.scored(found, task_named(args.task)) if args.task else found
    if args.out:
        write_json(args.out, made)
    emit(args, {key: value for key, value in made.items() if key != "rows"}, _words(found, made))
    return DONE


def _test_set(args: argparse.Namespace) -> int:
    if not args.task or not args.out:
        raise BadInput(f"{args.file.name} holds rows: name their task with --task and the file for them with --out")
    rows = data.read_rows(args.file, task_named(args.task), settings())
    data.write_rows(args.out, rows)
    told = {"source": "rows", "rows": len(rows), "sha256": data.digest(rows), "out": str(args.out)}
    then = f"python -m finetune eval run --task {args.task} --data {args.out}"
    emit(args, told, f"Wrote {len(rows)} rows; score them: {then}")
    return DONE


def _words(found: dict[str, Any], made: dict[str, Any]) -> str:
    lines = [f"{found['source']}: {found['n']} rows, {' and '.join(found['systems'])}"]
    if counts := made.get("verdicts"):
        lines.append(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()))
        lines.append(plain_words.chance(counts["fine_tuned_better"], counts["baseline_better"], made["mcnemar_p"]))
    return "\n".join([*lines, *filter(None, [made.get("verdict")])])
