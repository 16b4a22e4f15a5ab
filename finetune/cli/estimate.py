"""`estimate DATA --task T`: the start receipt; does a fine-tune fit, how long does it take, what does it cost."""

import argparse
from pathlib import Path
from typing import Any

from backends import catalog
from backends.bases import embedded
from backends.errors import BadInput, NotFound, Refused
from backends.settings import settings
from finetune import receipt, task_named
from finetune.cli.common import DONE, FAILED, Ticker, command, emit, progress
from finetune.cli.runs import recipe_of
from finetune.receipt import elsewhere, smoke
from finetune.receipt.job import job_of
from finetune.receipt.start_receipt import LOCAL
from finetune.recipes import needs, recipe
from finetune.runs import submit


def add(commands: Any) -> None:
    one = command(commands, "estimate", estimate, "before a fine-tune: does it fit, how long, what does it cost")
    one.add_argument("data", type=Path, metavar="DATA")
    one.add_argument("--task", required=True, metavar="T")
    one.add_argument("--base", default=catalog.EMBEDDED, metavar="B")
    one.add_argument("--recipe", metavar="R", help="default: the task's own, else balanced")
    one.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting of the recipe")
    one.add_argument(
        "--backend", default=LOCAL, metavar="K", help="local, or hf_jobs:FLAVOR for its memory, time and live price"
    )
    one.add_argument("--max-dollars", type=float, metavar="D", help="end with what it has learned when D are spent")
    one.add_argument("--smoke", action="store_true", help="measure: two real steps on the longest batch")


def estimate(args: argparse.Namespace) -> int:
    if not args.data.is_file():
        raise NotFound(f"There is no file {args.data}")
    task, base = task_named(args.task), catalog.base_named(args.base)
    chosen = recipe.from_flags(recipe_of(args.recipe or recipe.default_for(task.name)), args.set)
    rented = elsewhere.flavor_named(args.backend)
    if rented and args.smoke:
        raise BadInput("--smoke takes two steps on this machine, so it cannot say anything of another --backend")
    if rented is None and (lack := needs.missing(base, chosen)):
        raise Refused(lack)
    ticker = Ticker()
    if base.name == catalog.EMBEDDED and not embedded.is_ready(settings()):
        embedded.prepare(settings(), lambda what, fraction: ticker(f"{what} {fraction:.0%}"))
        ticker.done()
    train, val = submit.train_and_val(settings(), task, args.data, chosen.seed)
    if args.smoke:
        progress("Two steps on the longest batch ...")
        made = smoke.narrowed(job_of(settings(), task, train, chosen, base, val))
    elif rented:
        job = job_of(settings(), task, train, chosen, base, val, on=rented.machine)
        made = job.receipt(job.memory(chosen), rented.speed(job), rented.place, args.max_dollars)
    else:
        made = receipt.receipt(settings(), task, train, chosen, base, val)
    emit(args, made.to_json(), "\n".join(made.sentences))
    return DONE if made.fits != "no" else FAILED
