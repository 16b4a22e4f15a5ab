"""Draws a conversation: who it is about and what is told of them, with an assistant's answer.

What the user asks or quotes and what the assistant says name people, places and things as well: none of that is in
the graph, so that a name alone is no fact.
"""

import random

from finetune.generators.observer_entities import words
from finetune.generators.observer_entities.message import Message
from finetune.outputs.observer_grammar import ENTITIES, TIES

#: what a message tells, one wording each: of the user, of someone named before, of someone of theirs
SHAPES = {
    "nothing": 12,
    "user": 20,
    "user user": 20,
    "user user user": 6,
    "kin": 6,
    "kin fact": 18,
    "kin fact fact": 7,
    "kin fact user": 11,
    "kin fact kin fact": 6,
    "kin fact theirs fact": 5,
}


class Scenes:
    """Rows of one split."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self.rng, self.pools, self.kin = rng, words.pools(split), words.kin(split)
        self.facts, self.kinds = words.facts(split), words.kinds(split)

    def row(self) -> dict[str, str]:
        shape = self.rng.choices(list(SHAPES), list(SHAPES.values()))[0]
        while True:
            message = self._written(shape)
            if len(message.entities) <= ENTITIES and len(message.ties) <= TIES:
                return {**message.row(), "shape": shape}

    def _written(self, shape: str) -> Message:
        message = Message(self.rng, self.pools, self.kin, self.facts, self.kinds)
        if shape == "nothing":
            message.pass_by("nothing")
            return message
        if self.rng.random() < 0.2:
            message.pass_by("before")
        for part in shape.split():
            if part == "user":
                message.turn_to_user()
            if part in ("kin", "theirs"):
                message.meet(theirs=part == "theirs", alone=shape == "kin")
            else:
                message.tell()
        if self.rng.random() < 0.3:
            message.pass_by("ask")
        return message
