"""The router's plan carried out: the router is asked once, then each step's agent, each answer with its own receipt.

/math and /code are answered by the adapter of the task of that name, /general-search by the base, which searches
nothing and is labelled so, or by the adapter that ACR_CHAIN_GENERAL names. Whatever goes wrong with a step is said, and
the base answers it instead. Steps are asked one by one in the query's own words; none sees the answer of another.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backends import adapters
from backends.base import Chunk, Request, Segment, Waiting
from backends.catalog import EMBEDDED
from backends.engine_client import Engine
from backends.errors import AppError, BadInput, NotFound
from backends.settings import Settings
from finetune import all_tasks, ask
from finetune.ask import Answer
from finetune.outputs import router_plan
from finetune.outputs.router_plan import Plan, Step
from finetune.task import Task, Unreadable

ROUTER = "router"
SEARCH = "/general-search"
#: tool -> the task whose adapter answers
AGENTS = {"/math": "math", "/code": "code"}
BASE, BASE_SEARCH = "base model", "base model, no web search"
MAX_NEW_TOKENS = 80  # of the base, which knows no end
#: what is shown to the base before its question
ANSWERED = (
    ("Find the capital of Italy", "The capital of Italy is Rome."),
    ("Look up how many legs a spider has", "A spider has eight legs."),
)
#: letters between a verb and what is done in the query: an article and blanks
BETWEEN = 8


@dataclass(frozen=True)
class Agent:
    """Who answers a step: a task's adapter, or the base alone where there is no task."""

    label: str
    task: Task | None = None
    adapter: str | None = None


@dataclass(frozen=True)
class Writing:
    """The text of a step so far, or its place in the queue; step 0 is the plan."""

    number: int
    text: str
    waiting: Waiting | None = None


@dataclass(frozen=True)
class Planned:
    """The router's answer; without a plan, what is wrong with it, and the whole query is the only step."""

    answer: Answer
    plan: Plan | None
    note: str = ""


@dataclass(frozen=True)
class Started:
    number: int
    tool: str | None  # None: the query without a plan
    question: str
    agent: Agent


@dataclass(frozen=True)
class Done:
    """`value` is what the agent's task read in the answer; the base's answer is its text."""

    number: int
    agent: Agent
    answer: Answer
    value: Any


@dataclass(frozen=True)
class Failed:
    """Why an agent did not answer; the step starts again with the base, unless it was the base that failed."""

    number: int
    agent: Agent
    note: str
    last: bool


Event = Writing | Planned | Started | Done | Failed


@dataclass(frozen=True)
class Chain:
    """Who can be asked, and where."""

    engine: Engine
    settings: Settings
    tasks: Mapping[str, Task]
    backend: str = "llama_cpp"

    def run(self, query: str, router: str | None, *, constrained: bool = True) -> Iterator[Event]:
        """The events of one query; what keeps the router from answering at all is raised."""
        task = self.tasks[ROUTER]
        asked = ask.request(self.settings, task, {"query": query}, router, constrained=constrained)
        answer = yield from self._streamed(0, asked)
        try:
            plan = ask.read(task, answer)
        except Unreadable as problem:
            yield Planned(answer, None, f"There is no plan, so the base answers the whole query: {problem}")
            yield from self._with_base(1, None, query, Agent(BASE))
            return
        yield Planned(answer, plan)
        for number, (tool, question) in enumerate(questions_of(query, plan), 1):
            yield from self._step(number, tool, question)

    def _step(self, number: int, tool: str, question: str) -> Iterator[Event]:
        agent = Agent(tool)
        try:
            agent = self.agent_of(tool)
            if agent.task:
                yield Started(number, tool, question, agent)
                yield (yield from self._by_adapter(number, question, agent, agent.task))
                return
        except AppError as error:
            yield Failed(number, agent, str(error), last=False)
            agent = Agent(BASE_SEARCH if tool == SEARCH else BASE)
        yield from self._with_base(number, tool, question, agent)

    def agent_of(self, tool: str) -> Agent:
        """Who answers a tool's steps, or NotFound with what is missing."""
        if tool == SEARCH:
            return self._general()
        name = AGENTS[tool]
        if name not in self.tasks:
            raise NotFound(f"There is no task {name} here")
        made = [a for a in adapters.adapters(self.settings).values() if a.task == name]
        made.sort(key=lambda a: (a.origin == "shipped", str(a.card.get("created", ""))), reverse=True)
        if not made:
            raise NotFound(f"There is no adapter for the task {name} yet: train one on the Fine-tune tab")
        return Agent(f"adapter {made[0].name}", self.tasks[name], made[0].name)

    def _general(self) -> Agent:
        name = self.settings.chain_general
        if not name:
            return Agent(BASE_SEARCH)
        found = adapters.find(self.settings, name)
        task = self.tasks.get(found.task or "")
        if task is None:
            raise NotFound(f"The adapter {name}, which ACR_CHAIN_GENERAL names, is for no task of this place")
        return Agent(f"adapter {name}, no web search", task, name)

    def _by_adapter(self, number: int, question: str, agent: Agent, task: Task) -> Generator[Event, None, Done]:
        first, *others = task.columns
        row = {first: question} | dict.fromkeys(others, "")
        answer = yield from self._streamed(number, ask.request(self.settings, task, row, agent.adapter))
        try:
            return Done(number, agent, answer, ask.read(task, answer))
        except Unreadable as problem:
            raise BadInput(f"Its answer could not be used: {problem}") from None

    def _with_base(self, number: int, tool: str | None, question: str, agent: Agent) -> Iterator[Event]:
        yield Started(number, tool, question, agent)
        try:
            answer = yield from self._streamed(number, base_request(question))
            if not answer.text.strip():
                raise BadInput("It answered with nothing")
            yield Done(number, agent, answer, answer.text.strip())
        except AppError as error:
            yield Failed(number, agent, str(error), last=True)

    def _streamed(self, number: int, asked: Request) -> Generator[Event, None, Answer]:
        seen: list[Chunk] = []
        for chunk in ask.send(self.engine, self.settings, asked, self.backend):
            if not chunk.waiting:
                seen.append(chunk)
            yield Writing(number, "".join(part.text for part in seen), chunk.waiting)
        return ask.collect(seen)


def run(engine: Engine, settings: Settings, query: str, router: str | None, **options: Any) -> Iterator[Event]:
    """The chain with the tasks of this place; `options` are those of `Chain.run`."""
    return Chain(engine, settings, all_tasks()).run(query, router, **options)


def base_request(question: str) -> Request:
    """A question to the base alone: one line, for nothing else ends it, after two answered ones, without which it often
    begins with an empty line."""
    asked = [*((one, f" {answer}") for one, answer in ANSWERED), (question, "")]
    prompt = "\n\n".join(f"Question: {one}\nAnswer:{answer}" for one, answer in asked)
    return Request(EMBEDDED, (Segment(prompt),), max_new_tokens=MAX_NEW_TOKENS, stop=("\n",))


def questions_of(query: str, plan: Plan) -> list[tuple[str, str]]:
    """Each step's tool and what it is asked: verb and argument as the query has them, else the argument alone."""
    steps, verbs = router_plan.steps_in(plan["route_plan"]), plan["thinking_outline"]
    paired = verbs if len(verbs) == len(steps) else [""] * len(steps)
    return [(step.tool, _question(query, verb, step)) for verb, step in zip(paired, steps, strict=True)]


def _question(query: str, verb: str, step: Step) -> str:
    if not step.argument:
        return query
    own = rf"{re.escape(verb)}\b.{{0,{BETWEEN}}}?{re.escape(step.argument)}\??" if verb else re.escape(step.argument)
    found = re.search(own, query, re.IGNORECASE)
    text = found[0] if found else step.argument
    return text[0].upper() + text[1:]
