"""What does a conversation tell? Entities and how they are related, as a graph to remember."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.outputs import observer_graph as graphs
from finetune.outputs.observer_grammar import LARK
from finetune.outputs.observer_graph import EMPTY, Graph
from finetune.rows import data
from finetune.scoring import baselines
from finetune.task import Field, Metric, Row, Scored, Task, Unreadable

INPUTS = ("user_message", "assistant_message")
TARGET = "extraction"
MAX_CHARS = 4_000  # of both messages; twenty times what the adapter was taught on
#: the input of the seed's training rows
TURNS = re.compile(r"\s*USER:(.*?)\nASSISTANT:(.*)", re.DOTALL)
#: the one chat text of a rendered row, which has the same turns inside
RENDERED = re.compile(r"<\|im_start\|>user\n(.*?)<\|im_end\|>\s*<\|im_start\|>assistant\n(.*?)<\|im_end\|>", re.DOTALL)
Items = set[tuple[str, ...]]


def clean(row: Row) -> dict[str, Any]:
    """Both messages and the extraction, or one of the seed's: entities and relationships, instruction rows, chats."""
    row = _renamed(row)
    user, assistant = (data.text_in(row, column).strip() for column in INPUTS)
    try:
        found = graphs.from_data(_extraction(row))
    except Unreadable as problem:
        raise BadInput(f"column {TARGET}: {problem}") from None
    used = (*INPUTS, TARGET, "entities", "relationships", "instruction", "input", "output", "text", "messages")
    texts = {"user_message": user, "assistant_message": assistant, TARGET: json.dumps(found, ensure_ascii=False)}
    return texts | data.slices(row, used)


def _extraction(row: Row) -> Any:
    """The graph as the columns of the seed's raw rows have it, else as an object or as JSON text."""
    if TARGET not in row and "entities" in row:
        return {name: row.get(name) for name in ("entities", "relationships")}
    found = row.get(TARGET)
    if found is None:
        raise BadInput(f"column {TARGET}: missing")
    if not isinstance(found, str):
        return found
    return graphs.loads(found)


def _renamed(row: Row) -> Row:
    if "messages" in row:
        try:
            said = {message["role"]: str(message["content"]) for message in row["messages"]}
            return {**row, **_from_turns("messages", said["user"], said["assistant"])}
        except (TypeError, KeyError):
            raise BadInput("column messages: a user message and an assistant message are needed") from None
    if "text" in row and "user_message" not in row:
        found = RENDERED.search(str(row["text"]))
        if not found:
            raise BadInput("column text: a ChatML user turn and the assistant's extraction after it are needed")
        return {**row, **_from_turns("text", found[1], found[2])}
    if "input" in row and "user_message" not in row:
        return {**row, **_from_turns("input", str(row["input"]), row.get("output"))}
    return row


def _from_turns(column: str, turns: str, answer: Any) -> dict[str, Any]:
    found = TURNS.fullmatch(turns)
    if not found:
        raise BadInput(f'column {column}: the conversation is not written as "USER: ..", then "ASSISTANT: .."')
    return {"user_message": found[1], "assistant_message": found[2], TARGET: answer}


def answer_of(row: Row) -> str:
    return graphs.compact(json.loads(row[TARGET]))


def items(found: Graph) -> dict[str, Items]:
    """What is counted: entities by name and type, ties without and with their time."""
    timed = {tuple(graphs.key(tie[part]) for part in graphs.TIE) for tie in found["relationships"]}
    return {
        "entity": {(graphs.key(entity["name"]), entity["type"]) for entity in found["entities"]},
        "relationship": {tie[:3] for tie in timed},
        "temporal": timed,
    }


@lru_cache(maxsize=4_096)
def wanted(extraction: str) -> dict[str, Items]:
    """The items of a row's target; intervals ask for them thousands of times."""
    return items(json.loads(extraction))


def judge(row: Row, value: Graph) -> tuple[bool, dict[str, float]]:
    """Correct = the whole graph, times included. The parts count what was given and what of that is right."""
    right, given = wanted(row[TARGET]), items(value)
    parts = {f"{kind}_given": float(len(given[kind])) for kind in given}
    parts |= {f"{kind}_right": float(len(given[kind] & right[kind])) for kind in given}
    return right == given, parts


def micro_f1(kind: str) -> Callable[[Sequence[Scored]], float | None]:
    """F1 over the items of all rows together; an unreadable answer gives none. None where there is no item."""

    def compute(rows: Sequence[Scored]) -> float | None:
        total = sum(len(wanted(s.row[TARGET])[kind]) + s.parts.get(f"{kind}_given", 0.0) for s in rows)
        return 2 * sum(s.parts.get(f"{kind}_right", 0.0) for s in rows) / total if total else None

    return compute


def unfit(row: Row) -> str | None:
    length = sum(len(row[column]) for column in INPUTS)
    if length > MAX_CHARS:
        return f"The conversation has {length:,} characters; this task reads one turn each of at most {MAX_CHARS:,}"
    if not re.search(r"\w", row["user_message"]):
        return "There is no word in the user's message: write what the user said"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import observer_entities

    return observer_entities.rows(split, seed)


METRICS = (
    Metric(
        "relationship_f1", "F1 of relationships, times aside", "statistic", "higher", compute=micro_f1("relationship")
    ),
    Metric(
        "relationship_f1_temporal",
        "F1 of relationships with times",
        "statistic",
        "higher",
        compute=micro_f1("temporal"),
    ),
    Metric("entity_f1", "F1 of entities, name and type", "statistic", "higher", compute=micro_f1("entity")),
    Metric("exact", "the whole graph right", "rate", "higher", part=lambda s: float(s.correct)),
    Metric("json_valid", "valid JSON of the schema", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {
        "user_message": "My sister Ingeborg works at Tidewater Shipping, and I live in Trieste.",
        "assistant_message": "Trieste is lovely. How does she like it there?",
    },
    {
        "user_message": "I used to play the oboe. Now I'm learning Icelandic.",
        "assistant_message": "That is quite a change!",
    },
    {
        "user_message": "I have a hearing test on 19 November. Can you remind me?",
        "assistant_message": "Of course, I will.",
    },
    {
        "user_message": 'Translate "My brother lives in Riga" into Dutch.',
        "assistant_message": "Mijn broer woont in Riga.",
    },
)

TASK = Task(
    name="observer_entities",
    title="Memory graph",
    summary="Who and what does a conversation tell of, and how do they belong together?",
    inputs=(
        Field("user_message", "User", "write what the user said", lines=4),
        Field("assistant_message", "Assistant", "write what the assistant said", lines=3),
    ),
    target=TARGET,
    instruction=(
        "Extract what the user tells as JSON. entities: [number, name, type]. relationships: [object, predicate, "
        "subject, time] by number, 0 is the user."
    ),
    cue="JSON:",
    max_new_tokens=200,
    panel="graph",
    constraint=Constraint("lark", LARK),
    samples=SAMPLES,
    clean=clean,
    answer_of=answer_of,
    parse=graphs.parse,
    judge=judge,
    metrics=METRICS,
    primary="relationship_f1",
    trivial=(baselines.constant("empty", "always an empty graph", EMPTY),),
    unfit=unfit,
    generate=generate,
)
