"""Votes as preference pairs, in the columns that TRL's DPOTrainer takes: `prompt`, `chosen`, `rejected`.

As text, the prompt is word for word what the adapter was asked; TRL's tokenizer adds the token at its beginning and TRL
the one at the end of an answer. As a conversation, TRL sets the base's chat template around it.
"""

from collections.abc import Mapping
from typing import Any

from backends import adapters, catalog
from backends.settings import Settings
from finetune import formats, task_named
from finetune.compare.votes import tally
from finetune.compare.votes.ballots import Poll
from finetune.formats import Format
from finetune.task import Row, Task


def preferences(settings: Settings, poll: Poll, *, chat: bool = False) -> list[dict[str, Any]]:
    """One pair for each question with a winner; ties, both bad and void votes are left out."""
    task, fmt = task_named(poll.task), _format(settings, poll)
    known = {vote["item"]: vote for cast in poll.votes.values() for vote in cast}
    pairs = []
    for item, winner in tally.settled(poll).items():
        answers: Mapping[str, str] = known[item]["answers"]
        if winner in answers:
            (loser,) = answers.keys() - {winner}
            pairs.append(_pair(task, fmt, known[item]["input"], answers[winner], answers[loser], chat))
    return pairs


def _pair(task: Task, fmt: Format, row: Row, chosen: str, rejected: str, chat: bool) -> dict[str, Any]:
    if not chat:
        prompt = "".join(segment.text for segment in fmt.prompt(task, row))
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    system, request, context = fmt.wording.texts(task, {column: str(row[column]) for column in task.columns})
    user = f"{request}\n\n{context}" if context else request
    turns = [{"role": role, "content": text} for role, text in (("system", system), ("user", user)) if text]
    answers = {"chosen": chosen, "rejected": rejected}
    return {"prompt": turns} | {key: [{"role": "assistant", "content": text}] for key, text in answers.items()}


def _format(settings: Settings, poll: Poll) -> Format:
    """The prompt format of the first adapter that took part, as long as it is there; else that of the base."""
    known = adapters.adapters(settings)
    found = next((known[who.adapter] for who in poll.contestants if who.adapter in known), None)
    base = catalog.base_named(found.base if found else poll.contestants[0].base)
    return formats.of_card(found.card if found else {}, base, settings)
