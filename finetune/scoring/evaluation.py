"""The answers of an evaluation: one line of answers.jsonl per system and row, and the report made from them.

A line is appended the moment its answer is there; a resumed run skips the rows that it has.
"""

import math
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

from backends.base import Request
from backends.engine_client import Engine
from backends.files import append_json, read_json_lines
from backends.settings import Settings
from finetune import ask, task_named
from finetune.rows import data
from finetune.runs.run_folder import RunFolder
from finetune.scoring import baselines, report
from finetune.scoring.kept_answers import PACKAGES, KeptAnswers
from finetune.scoring.report import Judged, System
from finetune.task import Row, Scored, Task

Record = dict[str, Any]
#: a row -> its judged answer and what else is to be kept of it
Answers = Callable[[Row], tuple[Scored, Record]]
SHOTS = 4


class Evaluation:
    """One eval run: its rows, its systems and the answers so far."""

    def __init__(self, folder: RunFolder, settings: Settings) -> None:
        self.folder, self.settings, self.job = folder, settings, folder.job
        self.task: Task = task_named(self.job["task"])
        self.rows = data.read_jsonl(folder.data_dir / self.job["data"]["test"])
        self.train = data.read_jsonl(folder.data_dir / self.job["data"]["train"])
        self.systems = [System(**system) for system in self.job["systems"]]
        self.kept = KeptAnswers(settings, self.job["base"], self.job["engine"])
        self.done: dict[tuple[str, int], Record] = {
            (record["system"], record["row"]): record for record in read_json_lines(folder.answers_path)
        }

    def open_rows(self, system: System) -> list[int]:
        """Numbers of the rows that this system has not answered yet."""
        return [i for i in range(self._count(system)) if (system.name, i) not in self.done]

    def _count(self, system: System) -> int:
        return min(len(self.rows), system.limit or len(self.rows))

    def answer_all(self, engine: Engine) -> None:
        steps, started = sum(map(self._count, self.systems)), time.monotonic()
        enough = started + self.job["limits"].get("answering_seconds", math.inf)
        for system in self.systems:
            answer = self._answers(system, engine)
            for i in self.open_rows(system):
                if time.monotonic() > enough:
                    return
                self.folder.beat()
                scored, extra = answer(self.rows[i])
                record = {
                    "system": system.name,
                    "row": i,
                    "answer": scored.answer,
                    "problem": scored.problem,
                } | extra
                append_json(self.folder.answers_path, record)
                self.done[system.name, i] = record
                seconds = round(time.monotonic() - started, 2)
                step = len(self.done)
                self.folder.append_metric({"step": step, "steps": steps, "seconds": seconds, "system": system.name})

    def _answers(self, system: System, engine: Engine) -> Answers:
        if system.kind == "trivial":
            guess = baselines.fit(self.task, system.name, self.train)
            return lambda row: (self.task.score(row, guess(row)), {})
        return partial(self._ask, engine, system, self._shots(system))

    def _shots(self, system: System) -> list[Row]:
        """Answered examples before the question; a probe shows them to everybody, so that no form is unknown."""
        if self.task.probe:
            return list(self.train)
        return baselines.shots(self.task, self.train, SHOTS) if system.kind == "few-shot" else []

    def _ask(self, engine: Engine, system: System, shots: list[Row], row: Row) -> tuple[Scored, Record]:
        request = ask.request(
            self.settings,
            self.task,
            row,
            system.adapter,
            base=self.job["base"],
            constrained=self.job["constrained"] and not system.free,
            shots=shots,
        )
        kept = None if system.adapter else self.kept.get(request)
        answer = kept or ask.collect(ask.send(engine, self.settings, request, self.job["engine"]))
        scored = ask.score(self.task, row, answer)  # first: an interrupted answer is no answer to keep
        if not (kept or system.adapter):
            self.kept.put(request, answer)
        usage = answer.usage
        extra = {
            "seconds": usage.seconds,
            "tokens": [usage.prompt_tokens, usage.new_tokens],
            "receipt": ask.receipt(answer),
        }
        return scored, extra

    def judged(self, system: System) -> Judged:
        found = {i: self.done[system.name, i] for i in range(self._count(system)) if (system.name, i) in self.done}
        return Judged(system, {i: self._scored(i, record) for i, record in found.items()}, found)

    def _scored(self, i: int, record: Record) -> Scored:
        if record["problem"]:
            return Scored(self.rows[i], record["answer"], None, correct=False, problem=record["problem"])
        return self.task.score(self.rows[i], record["answer"])

    def report(self, seconds: float) -> dict[str, Any]:
        facts = {
            "run": self.job["run"],
            "adapters": {s.name: self._digest(s) for s in self.systems if s.adapter},
            "base": self.job["base"],
            "engine": self.job["engine"],
            "constrained": self.job["constrained"],
            "format": self.job["format"],
            "sampling": {"temperature": Request.temperature, "seed": Request.seed},
            "versions": _versions(self.job["engine"]),
            "data_sha256": self.job["data"]["sha256"],
            "seconds": round(seconds, 1),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        return report.build(self.task, [self.judged(system) for system in self.systems], facts)

    def _digest(self, system: System) -> str | None:
        """The weights that answered, by the receipts and not by the name."""
        receipts = (record["receipt"] for (name, _), record in self.done.items() if name == system.name)
        return next((receipt["sha256"] for receipt in receipts), None)


def _versions(engine: str) -> dict[str, str]:
    """Of all that decides the answers and the figures."""
    libraries = ("numpy", "scipy", *([PACKAGES[engine]] if engine in PACKAGES else []))
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in libraries}
