"""A conversation folded into one row, as the seed does: the last five turns stand as lines below the context."""

from collections.abc import Sequence

from finetune.task import Row

TURNS = 5
SPEAKERS = ("User", "Assistant")
#: the seed's own system text, which opens its chats; ours open with the context
SEED_SYSTEM = "You are an expert in environmental science and climate change."


def fold(context: str, turns: Sequence[tuple[str, str]], system: str = "") -> str:
    """The `input` of a row: `System: ..` where there is one, the context, then `User: ..` and `Assistant: ..` lines.

    Each turn is one line, whatever it holds, so that no message can write another speaker's line.
    """
    said = [f"{who}: {_line(text)}" for turn in turns[-TURNS:] for who, text in zip(SPEAKERS, turn, strict=True)]
    opening = [f"System: {_line(system)}"] if system else []
    return "\n".join([*opening, *filter(None, [context.strip()]), *said])


def asked(row: Row, turns: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The row that asks its question after these turns."""
    return {**row, "input": fold(row["input"], turns)}


def _line(text: str) -> str:
    return " ".join(text.split())
