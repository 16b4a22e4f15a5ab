"""Is a conversation worth remembering? DISCARD, STORE or IMPORTANT, by what the user tells of themselves."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.rows import data
from finetune.task import Field, Metric, Row, Scored, Task, Trivial, Unreadable

LABELS = ("DISCARD", "STORE", "IMPORTANT")
COLUMNS = ("user_message", "assistant_message", "label")
MAX_CHARS = 4_000  # of both messages; twenty times what the adapter was taught on
#: the input of the seed's training rows
TURNS = re.compile(r"\s*USER:(.*?)\nASSISTANT:(.*)", re.DOTALL)
#: the one chat text of a rendered row, which has the same turns inside
RENDERED = re.compile(r"<\|im_start\|>user\n(.*?)<\|im_end\|>\s*<\|im_start\|>assistant\n(.*?)<\|im_end\|>", re.DOTALL)


def clean(row: Row) -> dict[str, Any]:
    """A row with both messages and the label, or one of the seed's: instruction/input/output, messages, ChatML text."""
    row = _renamed(row)
    user, assistant, label = (data.text_in(row, column).strip() for column in COLUMNS)
    try:
        label = parse(label)
    except Unreadable as problem:
        raise BadInput(f"column label: {problem}") from None
    # the seed's confidence is one constant and its reasoning a sentence a row: neither tells kinds of rows apart
    used = (*COLUMNS, "reasoning", "confidence", "instruction", "input", "output", "text")
    return dict(zip(COLUMNS, (user, assistant, label), strict=True)) | data.slices(row, used)


def _renamed(row: Row) -> Row:
    if "messages" in row:
        try:
            said = {message["role"]: str(message["content"]) for message in row["messages"]}
            return _from_turns("messages", said["user"], said["assistant"])
        except (TypeError, KeyError):
            raise BadInput("column messages: a user message and an assistant message are needed") from None
    if "text" in row and "user_message" not in row:
        found = RENDERED.search(str(row["text"]))
        if not found:
            raise BadInput("column text: a ChatML user turn and the assistant's label after it are needed")
        return _from_turns("text", found[1], found[2])
    if "input" in row and "user_message" not in row:
        return {**row, **_from_turns("input", str(row["input"]), row.get("output"))}
    return row


def _from_turns(column: str, turns: str, label: Any) -> dict[str, Any]:
    found = TURNS.fullmatch(turns)
    if not found:
        raise BadInput(f'column {column}: the conversation is not written as "USER: ..", then "ASSISTANT: .."')
    return dict(zip(COLUMNS, (found[1], found[2], label), strict=True))


def parse(answer: str) -> str:
    """Exactly one label and nothing else. The seed took anything else for a level that was kept."""
    word = answer.strip().upper()
    if word in LABELS:
        return word
    named = [label for label in LABELS if re.search(rf"\b{label}\b", word)]
    if len(named) > 1:
        raise Unreadable(f"the answer names {len(named)} labels, {' and '.join(named)}, instead of one")
    if named:
        raise Unreadable(f"the answer says more than the one word {named[0]}: {answer.strip()[:60]!r}")
    raise Unreadable(f"none of {', '.join(LABELS)} in this answer: {answer.strip()[:60]!r}")


def judge(row: Row, value: str) -> tuple[bool, dict[str, float]]:
    return value == row["label"], {}


def f1(label: str) -> Callable[[Sequence[Scored]], float | None]:
    """F1 of one label; None where it is neither expected nor given. An unreadable answer misses its row's label."""

    def compute(rows: Sequence[Scored]) -> float | None:
        expected = Counter(s.row["label"] for s in rows)[label]
        given = Counter(s.value for s in rows)[label]
        hits = sum(s.correct for s in rows if s.row["label"] == label)
        return 2 * hits / (expected + given) if expected + given else None

    return compute


def macro_f1(rows: Sequence[Scored]) -> float | None:
    """The mean of the labels' F1, each counting the same however many rows it has."""
    found = [value for label in LABELS if (value := f1(label)(rows)) is not None]
    return sum(found) / len(found) if found else None


def majority(train: Sequence[Row]) -> Callable[[Row], str]:
    most = Counter(row["label"] for row in train).most_common(1)[0][0]
    return lambda row: most


def unfit(row: Row) -> str | None:
    length = sum(len(row[column]) for column in COLUMNS[:2])
    if length > MAX_CHARS:
        return f"The conversation has {length:,} characters; this task grades one turn each of at most {MAX_CHARS:,}"
    if not re.search(r"\w", row["user_message"]):
        return "There is no word in the user's message: write what the user said"
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import observer

    return observer.rows(split, seed)


METRICS = (
    Metric("macro_f1", "macro-F1 of the three labels", "statistic", "higher", compute=macro_f1),
    Metric("accuracy", "right label", "rate", "higher", part=lambda s: float(s.correct)),
    *(Metric(f"f1_{label.lower()}", f"F1 of {label}", "statistic", "higher", compute=f1(label)) for label in LABELS),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {
        "user_message": "Could you suggest a dessert for Sunday? Hazelnuts put my brother in intensive care last year.",
        "assistant_message": "A lemon tart is safe, if you check the pastry's label.",
    },
    {
        "user_message": "I write best with rain sounds in the background",
        "assistant_message": "Shall I look for a playlist?",
    },
    {
        "user_message": 'Translate "I lost my job at the shipyard" into Dutch.',
        "assistant_message": "Ik ben mijn baan op de scheepswerf kwijt.",
    },
    {
        "user_message": "ok great, thanks a million",
        "assistant_message": "You're welcome! I'll remember your appointment at the clinic.",
    },
    {
        "user_message": "We signed the lease, from August our home is in Antwerp",
        "assistant_message": "Congratulations! Do you need help with the move?",
    },
)

TASK = Task(
    name="observer_utility",
    title="Memory observer",
    summary="Is this conversation worth remembering: not at all, for later, or by all means?",
    inputs=(
        Field("user_message", "User", "write what the user said", lines=4),
        Field("assistant_message", "Assistant", "write what the assistant said", lines=3),
    ),
    target="label",
    instruction=(
        "Rate what this conversation tells about the user. DISCARD: nothing. STORE: tastes, opinions, habits, small "
        "plans. IMPORTANT: life facts such as job, family, home, health, money."
    ),
    cue="Utility:",
    max_new_tokens=8,
    panel="chip",
    constraint=Constraint("choices", list(LABELS)),
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: row["label"],
    parse=parse,
    judge=judge,
    metrics=METRICS,
    primary="macro_f1",
    trivial=(Trivial("majority", "always the most frequent label", majority),),
    unfit=unfit,
    generate=generate,
)
