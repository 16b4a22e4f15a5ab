"""The same adapter and rows through llama.cpp and transformers: task metric, equal greedy answers, speed as a ratio."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from backends.engine_client import Engine
from backends.settings import Settings
from finetune import ask, examples, stats, task_named
from finetune.ask import Answer
from finetune.rows import data

ROWS = 100
TASK = "complexity"


def answers(settings: Settings, backend: str) -> list[Answer]:
    task = task_named(TASK)
    rows = data.read_rows(examples.path_of(TASK, "test"), task, settings)[:ROWS]
    with Engine.start(settings, (backend,), parallel=1) as engine:
        engine.wait_ready(lambda what, fraction: None)
        return [ask.collect(ask.stream(engine, settings, task, row, TASK, backend=backend)) for row in rows]


def rows_a_second(settings: Settings, processes: int) -> float:
    """Of that many llama.cpp processes together, each with one question at a time."""
    task = task_named(TASK)
    rows = data.read_rows(examples.path_of(TASK, "test"), task, settings)[: ROWS // 5]

    def every_row(engine: Engine) -> None:
        for row in rows:
            ask.collect(ask.stream(engine, settings, task, row, TASK, backend="llama_cpp"))

    with ExitStack() as open_engines:
        engines = [
            open_engines.enter_context(Engine.start(settings, ("llama_cpp",), parallel=1)) for _ in range(processes)
        ]
        for engine in engines:
            engine.wait_ready(lambda what, fraction: None)
        began = time.monotonic()
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(every_row, engines))
        return processes * len(rows) / (time.monotonic() - began)


def measure(settings: Settings) -> str:
    task = task_named(TASK)
    rows = data.read_rows(examples.path_of(TASK, "test"), task, settings)[:ROWS]
    found = {backend: answers(settings, backend) for backend in ("llama_cpp", "transformers")}
    figures = {}
    lines = [f"Adapter `{TASK}`, {ROWS} test rows, greedy.", "", "| engine | mean absolute error | seconds a row |"]
    lines.append("|---|---|---|")
    for backend, given in found.items():
        scored = [ask.score(task, row, answer) for row, answer in zip(rows, given, strict=True)]
        figures[backend] = stats.figure(task.primary_metric, scored).value or 0.0
        seconds = sum(answer.usage.seconds for answer in given[1:]) / (len(given) - 1)
        lines.append(f"| {backend} | {figures[backend]:.3f} | {seconds:.3f} |")
    pairs = list(zip(*found.values(), strict=True))
    equal = sum(a.text == b.text for a, b in pairs)
    difference = abs(figures["llama_cpp"] - figures["transformers"])
    lines += ["", f"Difference of the errors {difference:.3f}; equal greedy answers {equal} of {ROWS}."]
    together = rows_a_second(settings, 2) / rows_a_second(settings, 1)
    lines += ["", f"Two llama.cpp processes at once, as the page and a command: {together:.2f} times the rows of one."]
    return "\n".join(lines)
