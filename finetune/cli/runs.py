"""`train | runs | status | logs | cancel | resume`: start a fine-tune and follow it from its files."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends import catalog
from backends.errors import BadInput, NotFound, Refused
from backends.files import read_json
from backends.settings import settings
from finetune import formats, task_named
from finetune.cli.common import DONE, FAILED, USAGE, Ticker, command, emit, progress, table
from finetune.recipes import needs, recipe, seeds
from finetune.runs import client, submit
from finetune.runs.endings import doctor
from finetune.scoring import should_you
from finetune.task import Task

STATUS = (
    "run", "status", "step", "steps", "train_loss", "eval_loss", "seconds", "seconds_left", "reason", "adapter",
)  # fmt: skip


def add(commands: Any) -> None:
    one = command(commands, "train", train, "fine-tune an adapter on a file of rows")
    one.add_argument(
        "data",
        nargs="?",
        type=Path,
        metavar="DATA",
        help="JSONL, JSON, CSV or TSV with the task's columns; without it the rows that a seed's recipe names",
    )
    one.add_argument("--task", metavar="T", help="needed unless the recipe is a seed's, which knows its task")
    one.add_argument("--base", metavar="B", help=f"default: {catalog.EMBEDDED}, or the base of a seed's recipe")
    one.add_argument(
        "--recipe",
        metavar="R",
        help="a name of `recipes`, or a JSON or TOML file; default: the task's own, else balanced",
    )
    one.add_argument("--name", "--run-name", metavar="N", help="name of the adapter that comes out")
    one.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting of the recipe")
    one.add_argument("--check-base", action="store_true", help="first score the base with examples in the prompt")
    one.add_argument("--target", type=float, metavar="V", help="with --check-base: the value that is good enough")
    one.add_argument("--wait", action="store_true", help="follow until it ends; Ctrl-C stops following, not the run")
    command(commands, "runs", list_runs, "the runs, newest first", aliases=("list-runs",))
    one = command(commands, "status", status, "where a run stands")
    one.add_argument("run", nargs="?", metavar="RUN", help="id, beginning of an id, or name; without it the newest")
    one = command(commands, "logs", logs, "the last lines of a run's log")
    one.add_argument("run", nargs="?", metavar="RUN")
    one = command(commands, "cancel", cancel, "stop a run; what it learned so far is kept")
    one.add_argument("run", metavar="RUN")
    one = command(commands, "resume", resume, "go on from the newest complete checkpoint")
    one.add_argument("run", metavar="RUN")


def train(args: argparse.Namespace) -> int:
    seed = seeds.find(args.recipe or "")
    asked = args.task or (seed.task if seed else None)
    if not asked or not (seed or args.data):
        progress("train: give DATA and --task, or --recipe with the name of a seed's recipe (see `recipes`)")
        return USAGE
    if args.data and not args.data.is_file():
        raise NotFound(f"There is no file {args.data}")
    task = task_named(asked)
    chosen = recipe.from_flags(recipe_of(args.recipe or recipe.default_for(task.name)), args.set)
    base = args.base or (seed.base if seed else catalog.EMBEDDED)
    source, fmt = (args.data, None) if seed is None else _of_seed(seed, task, chosen, base, args.data)
    baseline = _check_base(task, source, chosen, base, fmt, args.target) if args.check_base else None
    run = submit.training(settings(), task, source, chosen, base=base, fmt=fmt, name=args.name, baseline=baseline)
    if not args.wait:
        emit(args, {"run": run}, f"Run {run} is accepted. Follow it: python -m finetune status {run[:8]}")
        return DONE
    return follow(args, run)


def _check_base(
    task: Task, source: Path, chosen: recipe.Recipe, base: str, fmt: formats.Format | None, wanted: float | None
) -> dict[str, Any] | None:
    """Say how good the base is already; the score that the fine-tune starts from, if there is one."""
    ticker = Ticker()
    run = should_you.ask_base(settings(), task, source, chosen, base=base, fmt=fmt)
    view = client.wait(settings(), run, lambda view: ticker(line(view)))
    ticker.done()
    if view.status != "succeeded":
        progress(f"The base could not be checked, the fine-tune starts without: {view.reason}")
        return None
    report = read_json(settings().runs_dir / run / "report.json")
    progress(should_you.sentence(task, report, wanted))
    return should_you.baseline(task, report)


def _of_seed(
    seed: seeds.Seed, task: Task, chosen: recipe.Recipe, base: str, given: Path | None
) -> tuple[Path, formats.Format]:
    """The rows and the prompt format of a seed's recipe; refused before any download where the machine is too small."""
    on = catalog.base_named(base)
    if lack := needs.missing(on, chosen):
        raise Refused(lack)
    if given:
        return given, seed.format_on(on, settings())
    progress(f"Fetching {seed.data.get('hub') or 'rows'} ...")
    found = seeds.fetch(settings(), task, seed, chosen.seed)
    counted = ", ".join(f"{count} {split}" for split, count in found.counts.items())
    left_out = f"; {found.left_out} left out, the first: {found.problem}" if found.left_out else ""
    progress(f"{counted} rows in {found.path.parent}{left_out}")
    return found.path, seed.format_on(on, settings())


def recipe_of(text: str) -> recipe.Recipe:
    """A recipe by name, or from a file of settings."""
    return recipe.from_file(Path(text)) if Path(text).suffix in (".json", ".toml") else recipe.named(text)


def follow(args: argparse.Namespace, run: str) -> int:
    """Show progress on stderr until the run ends, then its final status."""
    ticker = Ticker()
    try:
        view = client.wait(settings(), run, lambda view: ticker(line(view)))
    except KeyboardInterrupt:
        progress(f"\nNo longer following. The run goes on: python -m finetune status {run[:8]}")
        return DONE
    ticker.done()
    emit(args, shape(view), line(view))
    return DONE if view.status == "succeeded" else FAILED


def line(view: client.RunView) -> str:
    parts = [view.run[:8], view.status]
    if view.steps:
        parts.append(f"{view.step}/{view.steps}")
    if view.train_loss is not None:
        parts.append(f"loss {view.train_loss:.3f}")
    if view.eval_loss is not None:
        parts.append(f"eval loss {view.eval_loss:.3f}")
    if view.seconds_left:
        parts.append(f"{view.seconds_left / 60:.1f} min left")
    if view.reason:
        parts.append(view.reason)
    return "  ".join(parts)


def shape(view: client.RunView) -> dict[str, Any]:
    return {key: getattr(view, key) for key in STATUS}


def list_runs(args: argparse.Namespace) -> int:
    found = [shape(v) | {"name": v.name, "kind": v.kind, "created": v.created} for v in client.runs(settings())]
    emit(args, found, table(found, ("run", "kind", "name", "status", "step", "steps", "eval_loss", "created")))
    return DONE


def find(text: str | None) -> client.RunView:
    """A run by id, by the beginning of its id, or by name (the newest of that name)."""
    found = client.runs(settings())
    if text is None:
        if not found:
            raise NotFound("There are no runs yet: start one with `train`")
        return found[0]
    by_id = [v for v in found if v.run.startswith(text)]
    if len(by_id) > 1:
        raise BadInput(f"{text} is the beginning of {len(by_id)} runs: give more of the id")
    hits = by_id or [v for v in found if v.name == text]
    if not hits:
        raise NotFound(f"There is no run {text[:60]!r}: see `runs`")
    return hits[0]


def status(args: argparse.Namespace) -> int:
    view = find(args.run)
    found = doctor.of_run(settings(), view)
    text = line(view) + (f"\n{found.cause} {found.advice}" if found else "")
    emit(args, shape(view) | {"doctor": asdict(found) if found else None}, text)
    return DONE


def logs(args: argparse.Namespace) -> int:
    view = find(args.run)
    text = client.log_tail(settings(), view.run)
    emit(args, {"run": view.run, "log": text}, text)
    return DONE


def cancel(args: argparse.Namespace) -> int:
    view = find(args.run)
    client.cancel(settings(), view.run, owner=view.owner)
    emit(args, {"run": view.run}, f"Asked run {view.run[:8]} to stop")
    return DONE


def resume(args: argparse.Namespace) -> int:
    view = find(args.run)
    client.resume(settings(), view.run, owner=view.owner)
    emit(args, {"run": view.run}, f"Run {view.run[:8]} waits to go on")
    return DONE
