"""Sixteen visitors at once on two cores: random adapters, stops and cuts, and the engine killed in the middle.

Counted: wrong adapters (by the receipt, and by the text where the same question was asked before), requests that ended
without an answer and without a message, and how memory grew. All must be 0, growth at most 5 %.
`python -m tests.bench.visitors 10` does it for ten seconds.
"""

import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from backends import adapters
from backends.base import Chunk
from backends.bases import embedded
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.errors import AppError
from backends.measured import Measured, resident, whole
from backends.queueing import EngineQueue, VisitorEngine
from backends.settings import Settings, settings
from finetune import all_tasks, ask, examples
from finetune.rows import data
from finetune.task import Row, Task

VISITORS = 16
SECONDS = 180.0
#: of the requests: stopped by a button, cut by a page that closes
STOPPED, CUT = 0.15, 0.10
#: how much memory may grow between the first and the last third after the kill
GROWTH = 0.05


@dataclass
class Counts:
    """What happened; `wrong` and `lost` must stay empty."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    waited: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, outcome: str, message: str = "") -> None:
        with self.lock:
            self.outcomes[outcome] += 1
            if message:
                self.messages[message[:90]] += 1


Asked = tuple[Task, Row, str | None]


class Visitor(threading.Thread):
    """Asks one question after the other until the time is over."""

    def __init__(
        self, number: int, queue: EngineQueue, questions: Sequence[Asked], counts: Counts, until: float
    ) -> None:
        super().__init__(name=f"visitor {number}")
        self.places = queue.measured.settings
        self.engine = VisitorEngine(queue, self.name)
        self.luck = random.Random(number)
        self.questions, self.counts, self.until = questions, counts, until

    def run(self) -> None:
        while time.monotonic() < self.until:
            try:
                self._ask(*self.luck.choice(self.questions))
            except AppError as error:
                self.counts.add("message", str(error))
            except Exception as error:  # nobody would see more than an empty place
                self.counts.add("lost")
                self.counts.lost.append(f"{self.name}: {error!r}")

    def _ask(self, task: Task, row: Row, adapter: str | None) -> None:
        leaves = self._leaves()
        chunks = ask.stream(self.engine, self.places, task, row, adapter)  # type: ignore[arg-type]
        seen: list[Chunk] = []
        with closing(chunks):  # type: ignore[type-var]
            for chunk in chunks:
                if chunk.waiting:
                    self.counts.waited += 1
                elif chunk.text or chunk.finish:
                    seen.append(chunk)
                if leaves is not None and len(seen) >= leaves[1]:
                    self.counts.add(leaves[0])
                    return
        self._judge(adapter, seen)

    def _leaves(self) -> tuple[str, int] | None:
        """How this request ends early, and after how many pieces; None = it is read to its end."""
        chance = self.luck.random()
        if chance < STOPPED:
            return "stopped", self.luck.randint(1, 4)
        return ("cut", 0) if chance < STOPPED + CUT else None

    def _judge(self, adapter: str | None, seen: list[Chunk]) -> None:
        receipt = seen[-1].receipt if seen else None
        if receipt is None:
            self.counts.add("lost")
            self.counts.lost.append(f"{self.name}: an answer without an end")
        elif (receipt.adapter, receipt.sha256) != (adapter, self._digest(adapter)):
            self.counts.wrong.append(f"asked {adapter}, answered {receipt}")
        else:
            self.counts.add("answered")

    def _digest(self, adapter: str | None) -> str | None:
        return adapters.find(self.places, adapter).sha256 if adapter else None


def questions(places: Settings) -> list[Asked]:
    """Rows of the test sets, each for its shipped adapter and for the base."""
    found: list[Asked] = []
    for name, adapter in adapters.adapters(places).items():
        task = all_tasks().get(adapter.task or "")
        if adapter.origin == "shipped" and adapter.base == EMBEDDED and task:
            rows = data.read_rows(examples.path_of(task.name, "test"), task, places)[:20]
            found += [(task, row, who) for row in rows for who in (name, None)]
    return found


class Memory(threading.Thread):
    """Looks at the engine and at this process every half second."""

    def __init__(self, engine: Engine, until: float) -> None:
        super().__init__(name="memory")
        self.engine, self.until = engine, until
        self.seen: list[tuple[float, int]] = []

    def run(self) -> None:
        while time.monotonic() < self.until:
            pids = [os.getpid(), self.engine.life]
            sizes = [resident(pid) or 0 for pid in pids if pid]
            if len(sizes) == 2 and all(sizes):
                self.seen.append((time.monotonic(), sum(sizes)))
            time.sleep(0.5)

    def growth(self, since: float) -> float:
        """Of the median between the first and the last third after `since`."""
        sizes = [size for at, size in self.seen if at >= since]
        third = len(sizes) // 3
        return statistics.median(sizes[-third:]) / statistics.median(sizes[:third]) - 1 if third else 0.0


def visit(places: Settings, seconds: float) -> tuple[Counts, float, Measured]:
    """All visitors for that long; the engine is killed after a third of the time."""
    counts, measured = Counts(), Measured(places)
    with Engine.start(places, ("llama_cpp",)) as engine:
        engine.wait_ready(lambda what, fraction: None)
        queue = EngineQueue(lambda: engine, measured)
        began, asked = time.monotonic(), questions(places)
        until = began + seconds
        memory = Memory(engine, until)
        everyone = [Visitor(number, queue, asked, counts, until) for number in range(VISITORS)]
        for thread in (memory, *everyone):
            thread.start()
        time.sleep(seconds / 3)
        if pid := engine.life:
            os.kill(pid, signal.SIGKILL)
        for thread in (memory, *everyone):
            thread.join()
        # what is loaded at the first need after the kill is not a leak
        growth = memory.growth(began + seconds * 0.5)
        assert queue.lengths() == {}, "somebody's turn was never given back"
    return counts, growth, measured


def measure(places: Settings, seconds: float = SECONDS) -> str:
    embedded.prepare(places, lambda what, fraction: None)
    counts, growth, measured = visit(places, seconds)
    figures = whole(measured.since_start())
    half, most = (figures.warm.quantile(share) or 0.0 for share in (0.5, 0.95))
    waited = figures.waited.quantile(0.95) or 0.0
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.outcomes.items()))
    said = "; ".join(f"{count} x {message!r}" for message, count in counts.messages.most_common(5)) or "none"
    rate = figures.tokens_per_second or 0.0
    lines = [
        f"{VISITORS} visitors for {seconds:.0f} s, the engine killed once: {counts.outcomes.total()} requests "
        f"({outcomes}).",
        f"Wrong adapters {len(counts.wrong)}, lost without a message {len(counts.lost)}, memory {growth:+.1%}.",
        f"Answered by another one's answer {figures.shared}; half of the answers took at most {half:.2f} s, 95 % at "
        f"most {most:.2f} s after waiting at most {waited:.1f} s (95 %); {rate:.0f} tokens/s each.",
        f"Messages: {said}.",
    ]
    held = not counts.wrong and not counts.lost and growth <= GROWTH
    lines.append("All promises held." if held else f"NOT held: {(counts.wrong + counts.lost)[:5]}")
    return "\n\n".join(lines)


if __name__ == "__main__":
    print(measure(settings(), float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
