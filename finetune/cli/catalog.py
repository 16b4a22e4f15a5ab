"""`tasks | bases | adapters | recipes`: what there is, and what may be added or taken away."""

import argparse
from pathlib import Path
from typing import Any

from backends import adapters, catalog
from backends.bases import hub
from backends.engine_client import Engine
from backends.settings import settings
from finetune import all_tasks
from finetune.cli.common import DONE, FAILED, command, emit, progress, table
from finetune.recipes import recipe
from finetune.scoring import proof


def add(commands: Any) -> None:
    command(commands, "tasks", list_tasks, "what an adapter can be taught here")
    command(commands, "bases", list_bases, "the base models, their terms and which engines can run them")
    command(commands, "recipes", list_recipes, "the fine-tuning recipes")
    parser = command(commands, "adapters", list_adapters, "the adapters; add, verify or remove one")
    actions = parser.add_subparsers(metavar="add|verify|remove")
    one = command(actions, "add", add_adapter, "add an adapter from a folder (safetensors and adapter_config.json)")
    one.add_argument("dir", type=Path, metavar="DIR")
    one = command(actions, "verify", verify_adapter, "check an adapter's files and measure its effect on the logits")
    one.add_argument("name", metavar="NAME|DIR")
    one = command(actions, "remove", remove_adapter, "remove an adapter that was trained or added here")
    one.add_argument("name", metavar="NAME")


def list_tasks(args: argparse.Namespace) -> int:
    found = [
        {"name": t.name, "title": t.title, "inputs": list(t.columns), "target": t.target, "metric": t.primary}
        for t in all_tasks().values()
    ]
    emit(args, found, table(found, ("name", "title", "inputs", "target", "metric")))
    return DONE


def list_bases(args: argparse.Namespace) -> int:
    places = settings()
    found = [
        vars(base) | {"engines": list(base.engines), "revision": hub.revision(places, base) or base.revision}
        for base in catalog.bases().values()
    ]
    columns = ("name", "title", "licence", "gated", "download_mb", "engines", "hub_id", "revision")
    emit(args, found, table(found, columns))
    return DONE


def list_recipes(args: argparse.Namespace) -> int:
    found = [{"name": name} | data for name, data in recipe.recipes().items()]
    emit(args, found, table(found, ("name", "task", "base", "title", "summary")))
    return DONE


def list_adapters(args: argparse.Namespace) -> int:
    here: list[dict[str, Any]] = [
        {"name": a.name, "task": a.task, "base": a.base, "origin": a.origin, "sha256": a.sha256[:12]}
        for a in adapters.adapters(settings()).values()
    ]
    known: list[dict[str, Any]] = [
        {"name": a.name, "task": a.task, "base": a.base, "origin": f"Hub {a.kind}", "hub_id": a.hub_id}
        for a in catalog.hub_adapters().values()
    ]
    emit(args, here + known, table(here + known, ("name", "task", "base", "origin", "sha256", "hub_id")))
    return DONE


def add_adapter(args: argparse.Namespace) -> int:
    added = adapters.add(settings(), args.dir)
    emit(args, {"name": added.name, "sha256": added.sha256}, f"Added adapter {added.name}")
    return DONE


def verify_adapter(args: argparse.Namespace) -> int:
    """Files first; the effect is measured only when they are sound, on the engine that would answer."""
    places = settings()
    found = adapters.read(Path(args.name), "given") if Path(args.name).is_dir() else adapters.find(places, args.name)
    problems = adapters.verify(places, found)
    told: dict[str, Any] = {"effect": None}
    if not problems and found.origin != "given":
        backend = proof.engine_for(found)
        with Engine.start(places, (backend,), parallel=1, base=found.base) as engine:
            engine.wait_ready(lambda what, fraction: progress(f"{what} {fraction:.0%}"))
            probe = engine.probe(found.base, found.name, backend)
        problems = proof.problems(probe)
        told = {"effect": probe.effect, "base_drift": probe.base_drift, "engine": backend}
    ok = not problems
    words = f"{found.name}: " + ("sound" if ok else "; ".join(problems))
    if told["effect"]:
        words += f"; it moves the logits by up to {told['effect']:.2f}"
    emit(args, {"name": found.name, "ok": ok, **told, "problems": problems}, words)
    return DONE if ok else FAILED


def remove_adapter(args: argparse.Namespace) -> int:
    adapters.remove(settings(), args.name)
    emit(args, {"removed": args.name}, f"Removed adapter {args.name}")
    return DONE
