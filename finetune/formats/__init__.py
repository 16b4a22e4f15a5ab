"""How a row becomes text, for training and for serving alike. A format has an id and a hash; both travel with
the adapter, and an adapter asked in another one is refused (four of the five seeds served an unseen prompt).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from backends.base import Segment
from backends.bases import hub, tokenizer
from backends.catalog import Base
from backends.errors import BadInput, Refused
from backends.files import dump_json
from backends.settings import Settings
from finetune.formats import chat
from finetune.formats.plain import Plain
from finetune.formats.templates import TEMPLATES
from finetune.formats.wording import AS_THE_TASK, Wording, from_json
from finetune.task import Row, Task

NAMES = ("chat", "plain", *TEMPLATES)


class Format(Protocol):
    """Turns a task's row into prompt segments, and knows how an answer ends."""

    @property
    def name(self) -> str: ...

    @property
    def wording(self) -> Wording: ...

    @property
    def end(self) -> str | None:
        """The special token that closes an answer in training; None = the base's own end-of-text token."""

    @property
    def between(self) -> tuple[Segment, ...]:
        """What stands between an answered example and the next one in a few-shot prompt."""

    def prompt(self, task: Task, row: Row) -> tuple[Segment, ...]: ...


def format_for(base: Base, settings: Settings) -> Format:
    """The format that suits a base: its own chat template where it has one, else plain."""
    return named(base.format, base, settings)


def named(name: str, base: Base, settings: Settings, wording: Wording = AS_THE_TASK) -> Format:
    """A format by its name, for one base; "chat" is the base's own template."""
    if name == "chat":
        return replace(chat.load(hub.tokenizer_dir(settings, base)), wording=wording)
    if name == "plain":
        return Plain(wording=wording)
    if name not in TEMPLATES:
        raise BadInput(f"There is no prompt format {name[:40]!r}; known: {', '.join(NAMES)}")
    return TEMPLATES[name].on(tokenizer.load(settings, base).is_special, wording)


def of_card(card: Mapping[str, Any], base: Base, settings: Settings) -> Format:
    """The format that an adapter was trained in, by its card (or a run, by its job); `check_stamp` holds it to that."""
    stamped = card.get("format")
    if not stamped:
        return format_for(base, settings)
    return named(str(stamped.get("id", "")).partition("/")[0], base, settings, from_json(stamped))


def stamp(task: Task, fmt: Format) -> dict[str, str]:
    """Id and hash of everything fixed in the prompt, and the texts that are not the task's own.

    It is what an adapter was trained to answer to, and enough to ask it in the same way.
    """
    sample = {f.column: f"<{f.column}>" for f in task.inputs}
    text = dump_json([[s.text, s.special] for s in fmt.prompt(task, sample)])
    own = {"id": f"{fmt.name}/{task.name}", "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return own | fmt.wording.to_json()


def check_stamp(task: Task, fmt: Format, card: dict[str, Any], adapter: str) -> None:
    """Refuse to ask an adapter in a format that it was not trained on."""
    trained, asked = card.get("format") or {}, stamp(task, fmt)
    if trained.get("sha256") != asked["sha256"]:
        raise Refused(
            f"Adapter {adapter} was trained on prompt format {trained.get('id', 'unknown')} "
            f"({str(trained.get('sha256', ''))[:8]}), this is {asked['id']} ({asked['sha256'][:8]}): "
            "its answers would mean nothing. Retrain it or choose the task that it was made for"
        )


def of_adapter(task: Task, card: dict[str, Any], adapter: str, base: Base, settings: Settings) -> Format:
    """The format that an adapter is asked in: its own, which must be this task's; a probe is asked as the base is."""
    if task.probe:
        return format_for(base, settings)
    fmt = of_card(card, base, settings)
    check_stamp(task, fmt, card, adapter)
    return fmt


def with_shots(fmt: Format, task: Task, row: Row, shots: Sequence[Row] = ()) -> tuple[Segment, ...]:
    """The prompt of `row` after a few answered examples, as a base without training needs them."""
    pieces: list[Segment] = []
    for shot in shots:
        pieces += [*fmt.prompt(task, shot), Segment(task.answer_of(shot)), *fmt.between]
    return (*pieces, *fmt.prompt(task, row))
