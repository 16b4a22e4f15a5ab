"""A question on the environment is answered in one sentence from the text that comes with it, or said to be open."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backends.base import Constraint
from backends.errors import BadInput
from finetune.outputs import environment_answer as answers
from finetune.outputs import environment_chat as chat
from finetune.rows import data
from finetune.task import Field, Metric, Row, Scored, Task, Trivial, Unreadable

COLUMNS = ("instruction", "input", "output")
MAX_QUESTION = 600  # characters; eight times the longest that the adapter was taught on
MAX_CONTEXT = 5_000  # of the context with the turns below it
#: what the seed's data hold in three of four rows: text that was never written
UNWRITTEN = re.compile(r"\[\s*placeholder\b[^\]]*\]", re.IGNORECASE)
#: an answer is right when it has this token F1 and every keyword
RIGHT = 0.5


def clean(row: Row) -> dict[str, Any]:
    """A row with instruction, input (may be empty) and output, or one of the seed's: question/answer, messages."""
    row = _renamed(row)
    question, output = (data.text_in(row, column).strip() for column in ("instruction", "output"))
    for column, text in (("instruction", question), ("output", output)):
        if UNWRITTEN.search(text):
            raise BadInput(f"column {column}: a placeholder, not a text: {text[:60]!r}")
    made: dict[str, Any] = {"instruction": question, "input": _context(row), "output": output}
    if keywords := _keywords(row):
        made["expected_keywords"] = keywords
    return made | data.slices(row, (*COLUMNS, "expected_keywords", "question", "answer", "context"))


def _renamed(row: Row) -> Row:
    if "messages" in row:
        return {**row, **_from_messages(row["messages"])}
    if "question" in row and "instruction" not in row:
        return {**row, "instruction": row["question"], "input": row.get("context"), "output": row.get("answer")}
    return row


def _from_messages(messages: Any) -> dict[str, str]:
    """The last turn is asked; those before it stand in the context. Turns are the seed's, or role and content."""
    try:
        if messages and "role" in messages[0]:
            said = [str(message["content"]) for message in messages if message["role"] in ("user", "assistant")]
            turns = list(zip(said[::2], said[1::2], strict=True))
        else:
            turns = [(str(turn["user"]), str(turn["assistant"])) for turn in messages]
        *before, (question, answer) = turns
    except (TypeError, KeyError, ValueError):
        raise BadInput("column messages: turns of a user and an assistant are needed, the last one answered") from None
    return {"instruction": question, "input": chat.fold("", before), "output": answer}


def _context(row: Row) -> str:
    context = row.get("input")
    if context is None:
        return ""
    if not isinstance(context, str):
        raise BadInput(f"column input: a text is needed, this is {type(context).__name__}")
    return context.strip()


def _keywords(row: Row) -> list[str]:
    found = row.get("expected_keywords") or []
    if not isinstance(found, list) or not all(isinstance(word, str) and word.strip() for word in found):
        raise BadInput("column expected_keywords: a list of words is needed")
    return found


def parse(answer: str) -> str:
    text = answer.strip()
    if not re.search(r"\w", text):
        raise Unreadable("the answer holds no word")
    if "\n" in text:
        raise Unreadable(f"an answer is one line, this one has {len(text.splitlines())}")
    return text


def judge(row: Row, value: str) -> tuple[bool, dict[str, float]]:
    expected = row["output"]
    recall = answers.keyword_recall(row.get("expected_keywords", ()), value)
    parts = {
        "token_f1": answers.token_f1(expected, value),
        "word_f1": answers.word_f1(expected, value),
        "exact_match": float(answers.exact(expected, value)),
        "rouge_l": answers.rouge_l(expected, value),
    }
    right = parts["token_f1"] >= RIGHT and recall in (None, 1.0)
    return right, parts if recall is None else parts | {"keyword_recall": recall}


def part(name: str) -> Callable[[Scored], float]:
    """A part of the row's score; an unreadable answer has none and counts 0."""
    return lambda scored: scored.parts.get(name, 0.0)


def keyword_recall(scored: Scored) -> float | None:
    return scored.parts.get("keyword_recall", 0.0) if scored.row.get("expected_keywords") else None


def bleu(rows: Sequence[Scored]) -> float | None:
    return answers.bleu([(s.row["output"], s.value or "") for s in rows])


def first_sentence(row: Row) -> str:
    return answers.SENTENCE.split(row["input"].strip(), maxsplit=1)[0]


def closest_sentence(row: Row) -> str:
    """The sentence of the context that shares most words with the question."""
    wanted = set(answers.WORD.findall(row["instruction"].lower()))
    return max(
        answers.SENTENCE.split(row["input"].strip()),
        key=lambda sentence: len(wanted & set(answers.WORD.findall(sentence.lower()))),
    )


def unfit(row: Row) -> str | None:
    question, context = row["instruction"], row["input"]
    if len(question) > MAX_QUESTION:
        return f"The question has {len(question):,} characters; this task takes one of at most {MAX_QUESTION}"
    if not re.search(r"\w", question):
        return "There is no word in this question: ask something in a sentence"
    if len(context) > MAX_CONTEXT:
        return (
            f"The context with the earlier turns has {len(context):,} characters; this task reads at most "
            f"{MAX_CONTEXT:,}: give a shorter text, or clear the conversation"
        )
    return None


def generate(split: str, seed: int) -> Iterable[dict[str, Any]]:
    from finetune.generators import environment

    return environment.rows(split, seed)


METRICS = (
    Metric("token_f1", "token F1 (seed: sets of words)", "mean", "higher", part=part("token_f1")),
    Metric("exact_match", "the expected answer, exactly (seed)", "rate", "higher", part=part("exact_match")),
    Metric("bleu", "BLEU (sacrebleu, all answers together)", "statistic", "higher", compute=bleu),
    Metric("rouge_l", "ROUGE-L (rouge-score)", "mean", "higher", part=part("rouge_l")),
    Metric("keyword_recall", "expected keywords in the answer", "mean", "higher", part=keyword_recall),
    Metric("correct", "right (half of the words, every keyword)", "rate", "higher", part=lambda s: float(s.correct)),
    Metric("word_f1", "token F1 without punctuation", "mean", "higher", part=part("word_f1")),
    Metric("valid", "readable answers", "rate", "higher", part=lambda s: float(s.value is not None)),
)

SAMPLES = (
    {
        "title": "From a text",
        "instruction": "How much smoke did the filter hold back?",
        "input": "The smokehouse at Port Varry has worked since 1954. Neighbours complained 61 times in one winter. In "
        "2021 a filter was built in that holds back 84 percent of the smoke, at a price of 38,000 euros.",
    },
    {
        "title": "Which is more",
        "instruction": "Where did the children find more snails?",
        "input": "Ashby Park has three ponds. The children found 17 snails in the round pond and 43 in the mill pond. "
        "A heron comes every morning.",
    },
    {
        "title": "Not in the text",
        "instruction": "Who built the pond?",
        "input": "Ashby Park has three ponds. The children found 17 snails in the round pond and 43 in the mill pond. "
        "A heron comes every morning.",
    },
)

TASK = Task(
    name="environment",
    title="Environment question",
    summary="Ask about a text on the environment; the answer comes from the text, or it says that the text is silent.",
    inputs=(
        Field("instruction", "Question", "ask something about the text", lines=2),
        Field("input", "Context", "the text that holds the answer; it may stay empty", lines=5, optional=True),
    ),
    target="output",
    instruction="Answer the question in one sentence from the context. Say so if the context does not hold the answer.",
    cue="Answer:",
    max_new_tokens=answers.MAX_CHARS + 1,  # a character is at most one token, and the end is one more
    stop=("\n",),
    panel="passage",
    constraint=Constraint("lark", answers.LARK),
    samples=SAMPLES,
    clean=clean,
    answer_of=lambda row: row["output"],
    parse=parse,
    judge=judge,
    metrics=METRICS,
    primary="token_f1",
    trivial=(
        Trivial("first-sentence", "the first sentence of the context", lambda train: first_sentence),
        Trivial("closest-sentence", "the sentence most like the question", lambda train: closest_sentence),
    ),
    unfit=unfit,
    chat=chat.asked,
    generate=generate,
)
