"""`make adapters`: train the adapters that ship with our own trainer, then measure them as published.

    python -m examples.make_adapters [TASK ...] [--only measure]

Each one is trained by the same path as a visitor's run (control, run folder, trainer), copied to
examples/<task>/adapter and scored on examples/<task>/test.jsonl; the report is stored beside it, its headline figure
in the card: of the shipped recipe, and of the one for two cores.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends import adapters
from backends.engine_client import Engine
from backends.errors import AppError
from backends.files import read_json, write_json
from backends.settings import Settings, settings
from finetune import all_tasks, ask, examples, task_named
from finetune.cli.common import Ticker
from finetune.cli.runs import line
from finetune.recipes import recipe
from finetune.rows import data
from finetune.runs import client, submit
from finetune.scoring import calibration
from finetune.task import Task

#: what a recipe for two cores may take
CPU_SECONDS = 900


def finished(places: Settings, run: str) -> client.RunView:
    """Follow a run to its end; anything but success stops the whole command."""
    ticker = Ticker()
    view = client.wait(places, run, lambda view: ticker(line(view)))
    ticker.done()
    if view.status != "succeeded":
        raise AppError(f"run {run} {view.status}: {view.reason}")
    return view


def train(places: Settings, task: Task) -> None:
    """Train with the recipe named after the task; the adapter goes to examples/<task>/adapter."""
    target = folder_of(task)
    with _trained(places, task, task.name) as made:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(adapters.find(places, made).path, target)


@contextmanager
def _trained(places: Settings, task: Task, name: str) -> Iterator[str]:
    """An adapter of that recipe, listed as long as the block lasts."""
    run = submit.training(places, task, examples.path_of(task.name, "train"), recipe.named(name))
    made = str(finished(places, run).adapter)
    try:
        yield made
    finally:
        adapters.remove(places, made)


def folder_of(task: Task) -> Path:
    return examples.FOLDER / task.name / "adapter"


def calibrate(places: Settings, task: Task) -> None:
    """Fit on the validation rows how sure the shipped adapter's choices are, and write it into its card."""
    rows = data.read_jsonl(examples.path_of(task.name, "val"))
    with Engine.start(places, ("llama_cpp",), parallel=1) as engine:
        engine.prepare()
        asked = [ask.request(places, task, row, task.name) for row in rows]
        # straight from the engine: what `ask.stream` gives is already corrected by a card that was calibrated before
        told = [ask.collect(engine.generate(request)).probabilities or {} for request in asked]
    fitted = calibration.fit(told, [task.answer_of(row) for row in rows])
    note(task, "calibration", fitted)


def note(task: Task, key: str, value: Any) -> None:
    """Write one entry of the shipped adapter's card."""
    path = folder_of(task) / "card.json"
    write_json(path, read_json(path) | {key: value})


def measure(places: Settings, task: Task) -> None:
    """Score the shipped adapter beside the base and the systems without a model."""
    run = finished(places, submit.evaluation(places, task, task.name)).run
    shutil.copyfile(places.runs_dir / run / "report.json", examples.report_path(task.name))
    _figure(task, "shipped", _headline(places, task, run))


def measure_cpu(places: Settings, task: Task) -> None:
    """The headline figure of the recipe for two cores: of the shipped adapter if it came from that, else of another."""
    if _made_on_two_cores(task):
        _figure(task, "cpu", read_json(folder_of(task) / "card.json")["figures"]["shipped"])
        return
    with _trained(places, task, f"{task.name}-cpu") as made:
        run = finished(places, submit.evaluation(places, task, made, against="base")).run
        _figure(task, "cpu", _headline(places, task, run))


def _figure(task: Task, key: str, value: dict[str, Any]) -> None:
    known = read_json(folder_of(task) / "card.json").get("figures", {})
    note(task, "figures", known | {key: value})


def _made_on_two_cores(task: Task) -> bool:
    """Whether the recipe for two cores would have come to the very checkpoint that ships: then its figure is that one's
    too. Only the best checkpoint is kept, so what counts is when it was reached."""
    card = read_json(folder_of(task) / "card.json")
    reached = card["seconds"] * card["metrics"]["step"] / card["metrics"]["steps"]
    return card["hardware"]["cores"] <= 2 and "gpu" not in card["hardware"] and reached <= CPU_SECONDS


def _headline(places: Settings, task: Task, run: str) -> dict[str, Any]:
    """The primary metric of the adapter in a report, with its interval."""
    report = read_json(places.runs_dir / run / "report.json")
    adapter = next(system for system in report["systems"] if system["kind"] == "adapter")
    return {"metric": task.primary} | adapter["metrics"][task.primary]


STEPS = {"train": train, "calibrate": calibrate, "measure": measure, "cpu": measure_cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="all tasks that have a generator when none is named")
    parser.add_argument("--only", choices=STEPS, action="append", help="this step alone; may be given again")
    args = parser.parse_args()
    places = settings()
    for name in args.tasks or [name for name, task in all_tasks().items() if task.generate]:
        task = task_named(name)
        for step in args.only or STEPS:
            if step != "calibrate" or task.choices:
                STEPS[step](places, task)


if __name__ == "__main__":
    main()
