"""Questions and answers as people paste them: lines that begin with `Q:` and `A:`, `User:` and `Assistant:` ..."""

import re
from collections.abc import Iterable, Iterator

ASKED = ("q", "question", "user", "human", "prompt", "input")
ANSWERED = ("a", "answer", "assistant", "ai", "bot", "completion", "response", "output")
LABEL = re.compile(rf"[ \t]*\**({'|'.join((*ASKED, *ANSWERED))})\**[ \t]*:\**[ \t]*(.*)", re.IGNORECASE | re.DOTALL)


def looks_like(head: str) -> bool:
    """Whether the first written line asks something."""
    first = LABEL.match(head.lstrip())
    return bool(first and first[1].lower() in ASKED)


def pairs(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line of the question, {"question", "answer"}); a part that was not written is absent."""
    started, part = 1, "question"
    row: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        label = LABEL.match(line)
        asks = bool(label and label[1].lower() in ASKED)
        if asks and row:
            yield started, _stripped(row)
            row = {}
        if asks:
            started = number
        if label:
            part = "question" if asks else "answer"
        row.setdefault(part, []).append(label[2] if label else line)
    yield started, _stripped(row)


def _stripped(row: dict[str, list[str]]) -> dict[str, str]:
    texts = {part: "".join(lines).strip() for part, lines in row.items()}
    return {part: text for part, text in texts.items() if text}
