"""Chat rows of every common shape become one flat row: `system`, `user`, `assistant` beside the other columns.

Known: OpenAI fine-tune files (`messages`), ShareGPT (`conversations` with `from` and `value`), and prompt and
completion as lists of messages. One question and one answer a row: a longer talk is refused, never shortened.
"""

from collections.abc import Mapping
from typing import Any

from backends.errors import BadInput

LISTS = ("messages", "conversations", "conversation", "dialog")
ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt"), "assistant"),
}


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its talk as columns; a row without a talk as it is."""
    for column in LISTS:
        if isinstance(row.get(column), list):
            return _without(row, column) | _said(column, row[column])
    prompt, completion = row.get("prompt"), row.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        return _without(row, "prompt", "completion") | _said("prompt", [*prompt, *completion])
    return dict(row)


def _without(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in columns}


def _said(column: str, talk: list[Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    for turn in talk:
        who, text = _turn(column, turn)
        if who in said:
            raise BadInput(f"column {column}: {len(talk)} turns; a row is one question and its answer")
        said[who] = text
    return said


def _turn(column: str, turn: Any) -> tuple[str, str]:
    if isinstance(turn, Mapping):
        name = str(turn.get("role", turn.get("from"))).lower()
        text = _whole(turn.get("content", turn.get("value")))
        if name in ROLES and isinstance(text, str):
            return ROLES[name], text
    raise BadInput(f"column {column}: a turn needs a role (system, user or assistant) and its text")


def with_whole_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI files may cut a message into parts: put together again, for tasks that read messages themselves."""
    if not isinstance(row.get("messages"), list):
        return dict(row)
    whole = [
        turn | {"content": _whole(turn.get("content"))} if isinstance(turn, dict) else turn for turn in row["messages"]
    ]
    return dict(row) | {"messages": whole}


def _whole(text: Any) -> Any:
    if not isinstance(text, list):
        return text
    return "".join(str(part.get("text", "")) for part in text if isinstance(part, Mapping))
