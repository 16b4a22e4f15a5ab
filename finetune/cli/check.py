"""`check DATA --task T`: the data doctor, before anything is trained; exit 1 on a finding that blocks the start."""

import argparse
from pathlib import Path
from typing import Any

from backends import catalog
from backends.bases import embedded
from backends.errors import BadInput, NotFound
from backends.settings import settings
from finetune import task_named
from finetune.check.finding import Finding
from finetune.cli.common import DONE, FAILED, Ticker, command, emit, table
from finetune.cli.runs import recipe_of
from finetune.recipes import recipe


def add(commands: Any) -> None:
    one = command(commands, "check", check, "examine a file of rows with nothing but the tokenizer")
    one.add_argument("data", type=Path, metavar="DATA", help="JSONL, JSON, CSV, TSV, Parquet or pasted text")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--base", default=catalog.EMBEDDED, metavar="B", help="whose tokenizer counts")
    one.add_argument("--recipe", metavar="R", help="whose max_length holds; default: the task's own, else balanced")
    one.add_argument("--map", action="append", default=[], metavar="COLUMN=NAME", help="read COLUMN as the task's NAME")
    one.add_argument(
        "--against",
        type=Path,
        action="append",
        metavar="FILE",
        help="held-out rows; default: val and test beside train",
    )
    one.add_argument("--fix", type=Path, metavar="OUT", help="write a mended copy and say what was done")


def check(args: argparse.Namespace) -> int:
    from finetune.check import mend
    from finetune.check.examine import beside, examine

    if not args.data.is_file():
        raise NotFound(f"There is no file {args.data}")
    task, base = task_named(args.task), catalog.base_named(args.base)
    ticker = Ticker()
    if base.name == catalog.EMBEDDED and not embedded.is_ready(settings()):
        embedded.prepare(settings(), lambda what, fraction: ticker(f"{what} {fraction:.0%}"))
        ticker.done()
    report = examine(
        args.data,
        task,
        settings(),
        base,
        recipe_of(args.recipe or recipe.default_for(task.name)).max_length,
        held_out=beside(args.data) if args.against is None else args.against,
        roles=dict(map(_role, args.map)),
    )
    shape: dict[str, Any] = {"rows": report.rows, "ok": report.ok, "findings": [f.public() for f in report.findings]}
    done = mend.write(args.data, args.fix, task, settings(), report) if args.fix else []
    if done:
        shape["fixed"] = done
    emit(args, shape, "\n".join([words(report.rows, report.findings), *done]))
    return DONE if report.ok else FAILED


def _role(text: str) -> tuple[str, str]:
    column, sign, name = text.rpartition("=")
    if not sign:
        raise BadInput(f"--map needs COLUMN=NAME, got {text[:60]!r}")
    return column, name


def words(rows: int, findings: tuple[Finding, ...]) -> str:
    shown = [
        {"level": f.level, "check": f.check, "lines": ", ".join(map(str, f.lines[:5])), "what": f.message}
        for f in findings
    ]
    return f"{rows:,} rows\n" + (table(shown, ("level", "check", "lines", "what")) if shown else "Nothing to say.")
