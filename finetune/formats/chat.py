"""The prompt format of a base with a chat template, which writes every mark between the turns itself.

What a person wrote never passes through the template engine. Unguessable stand-ins do; the rendered prompt
is cut at its special tokens, and only then are the stand-ins swapped for the text: no text can open a turn.
"""

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backends.base import Segment
from backends.errors import Refused
from backends.files import read_json
from finetune.formats.wording import AS_THE_TASK, Wording
from finetune.task import Row, Task

#: some templates print today's date; a prompt that changes by the day could not carry a stamp
DATE = "26 Jul 2024"


@dataclass(frozen=True)
class Chat:
    """System turn = the task's instruction, user turn = labelled fields, unless the wording is one's own."""

    template: str
    #: the tokens that only a template may write
    marks: tuple[str, ...]
    #: bos_token, eos_token ... as templates name them
    named: tuple[tuple[str, str], ...]
    name: str = "chat"
    wording: Wording = AS_THE_TASK

    def prompt(self, task: Task, row: Row) -> tuple[Segment, ...]:
        values = {field.column: _stand_in() if row[field.column] else "" for field in task.inputs}
        system, request, context = self.wording.texts(task, values)
        user = f"{request}\n\n{context}" if context else request
        texts = {mark: str(row[column]) for column, mark in values.items() if mark and mark in user}
        return self._segments(_turns(system, user), texts)

    @property
    def between(self) -> tuple[Segment, ...]:
        """All that the template writes after an answer; it begins with the token that ends the turn."""
        answer = _stand_in()
        turns = [*_turns("s", "u"), {"role": "assistant", "content": answer}]
        cut = self._segments(turns, {answer: answer})
        place = next(i for i, segment in enumerate(cut) if answer in segment.text)
        rest = Segment(cut[place].text.split(answer)[1])
        return tuple(segment for segment in (rest, *cut[place + 1 :]) if segment.text)

    @property
    def end(self) -> str | None:
        return next((segment.text for segment in self.between if segment.special), None)

    def _segments(self, turns: list[dict[str, str]], texts: dict[str, str]) -> tuple[Segment, ...]:
        """The rendered turns, cut at the template's tokens, with the stand-ins swapped for `texts`."""
        rendered = self._render(turns)
        if any(rendered.count(mark) != 1 for mark in texts):
            raise Refused("The chat template of this base drops or repeats what is asked: it cannot be used here")
        present = [mark for mark in self.marks if mark in rendered]  # of thousands that some tokenizers have
        pieces = re.split(f"({'|'.join(map(re.escape, present))})", rendered) if present else [rendered]
        cut = [
            Segment(piece, special=True) if piece in present else Segment(_fill(piece, texts))
            for piece in pieces
            if piece
        ]
        # the tokenizer puts the one BOS first, for every format alike
        return tuple(cut[1:] if cut[0].text == dict(self.named).get("bos_token") else cut)

    def _render(self, turns: list[dict[str, str]]) -> str:
        """In the sandbox of transformers, and only ever a template of a pinned base of the catalog."""
        from transformers.utils.chat_template_utils import render_jinja_template

        rendered, _ = render_jinja_template(
            conversations=[turns],
            chat_template=self.template,
            add_generation_prompt=turns[-1]["role"] == "user",
            enable_thinking=False,  # an answer of a task is the answer, not a train of thought
            date_string=DATE,
            **dict(self.named),
        )
        return str(rendered[0])


@lru_cache(maxsize=8)
def load(folder: Path) -> Chat:
    """The chat format of the base whose tokenizer files lie in `folder`."""
    config = read_json(folder / "tokenizer_config.json") or {}
    template = _template(folder, config)
    if not template:
        raise Refused(f"The base in {folder.name} has no chat template: use the plain format for it")
    added = (read_json(folder / "tokenizer.json") or {}).get("added_tokens", ())
    # longest first, so that a token which begins like another one is not cut short
    marks = sorted((token["content"] for token in added if token["special"]), key=len, reverse=True)
    named = {key: _content(value) for key, value in config.items() if key.endswith("_token")}
    return Chat(template, tuple(marks), tuple((k, v) for k, v in named.items() if isinstance(v, str)))


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    """From its own file, as is usual now, else from the tokenizer's settings, alone or as one of several."""
    own = folder / "chat_template.jinja"
    if own.exists():
        return own.read_text(encoding="utf-8")
    given = config.get("chat_template") or (read_json(folder / "chat_template.json") or {}).get("chat_template")
    if isinstance(given, list):
        given = {entry["name"]: entry["template"] for entry in given}.get("default")
    return given


def _content(value: Any) -> Any:
    return value.get("content") if isinstance(value, dict) else value


def _turns(system: str, user: str) -> list[dict[str, str]]:
    said = (("system", system), ("user", user))
    return [{"role": role, "content": text} for role, text in said if text]


def _stand_in() -> str:
    return f"acr{secrets.token_hex(16)}"


def _fill(piece: str, texts: dict[str, str]) -> str:
    """One pass over the template's text: what is filled in is not looked at again."""
    return re.sub("|".join(texts), lambda found: texts[found[0]], piece) if texts else piece
