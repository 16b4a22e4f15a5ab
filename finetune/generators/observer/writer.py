"""Writes one conversation. The label is that of the weightiest thing the user says of themselves, by construction.

Questions, greetings and the assistant's answer are drawn alike for all labels, around a fact or instead of one, and a
fact may be quoted only. So no length, no question mark and nothing that the assistant says gives the label away.
"""

import random
import re

from finetune.generators.pools import Pools

SLOT = re.compile(r"\{(\w+)\}")
TURN = re.compile(r"\[([^\[\]]*)\]")
BLANK = re.compile(r" {2,}")
MARKS = re.compile(r" (?=[.,?!])|(?<=[?!])\.")
#: these want an answer whatever they end in
ASKING = ("question", "ask", "wrapped")
Used = dict[str, list[str]]  # slot -> the words that a message has for it
#: how often a message has this shape, by label; pieces are kinds of wordings, said in this order
SHAPES: dict[str, dict[tuple[str, ...], int]] = {
    "IMPORTANT": {
        ("important",): 44,
        ("before", "important"): 15,
        ("important", "ask"): 15,
        ("important", "question"): 13,
        ("small", "important"): 6,
        ("store", "important"): 8,
        ("important", "store"): 7,
    },
    "STORE": {
        ("store",): 44,
        ("before", "store"): 15,
        ("store", "ask"): 15,
        ("store", "question"): 13,
        ("small", "store"): 7,
        ("store", "store"): 12,
    },
    "DISCARD": {
        ("question",): 33,
        ("small",): 19,
        ("before", "question"): 12,
        ("question", "ask"): 8,
        ("small", "question"): 8,
        ("question", "question"): 4,
        ("wrapped",): 11,
        ("small", "small"): 6,
    },
}


class Writer:
    """Draws rows from the words and wordings of one split."""

    def __init__(self, rng: random.Random, words: Pools, wordings: Pools) -> None:
        self.rng, self.words, self.wordings = rng, words, wordings

    def row(self) -> dict[str, str]:
        label = self.rng.choice(list(SHAPES))
        shapes = SHAPES[label]
        shape = self.rng.choices(list(shapes), list(shapes.values()))[0]
        used: Used = {}
        message = self._joined([self._say(kind, used) for kind in shape])
        return {
            "user_message": self._as_typed(message),
            "assistant_message": self._reply("?" in message or shape[-1] in ASKING, used),
            "label": label,
            "shape": " ".join(shape),
        }

    def _say(self, kind: str, used: Used) -> str:
        """A wording of that kind, filled; the words go into `used`, so that none comes twice while there are others."""
        return self._filled(self.rng.choice(self.wordings[kind]), used)

    def _filled(self, wording: str, used: Used) -> str:
        def word(slot: re.Match[str]) -> str:
            name = slot[1]
            if name == "fact":
                return self._say(self.rng.choice(("important", "store")), {})
            taken = used.setdefault(name, [])
            taken.append(self.rng.choice([w for w in self.words[name] if w not in taken] or self.words[name]))
            return taken[-1]

        return _tidy(SLOT.sub(word, self._turned(wording)))

    def _turned(self, wording: str) -> str:
        return TURN.sub(lambda turn: self.rng.choice(turn[1].split("|")), wording)

    def _joined(self, pieces: list[str]) -> str:
        """Pieces one after the other; after a comma or a colon the next one goes on in small letters."""
        text = pieces[0]
        for piece in pieces[1:]:
            goes_on = text[-1] not in ".!?\"'" and not piece.startswith(("I ", "I'", *self.words["person"]))
            text += " " + (piece[0].lower() + piece[1:] if goes_on and piece.split()[0].istitle() else piece)
        return text

    def _as_typed(self, message: str) -> str:
        """As people write: often without the last dot, sometimes all in small letters."""
        if message.endswith(".") and self.rng.random() < 0.35:
            message = message[:-1]
        return message.lower() if self.rng.random() < 0.15 else message

    def _reply(self, asked: bool, used: Used) -> str:
        """An answer to a question, else a few words; where it can it takes up what the user named."""
        kind = "answer" if asked else "reply"
        fitting = [w for w in self.wordings[kind] if set(SLOT.findall(w)) <= used.keys()]
        about = [w for w in fitting if SLOT.search(w)]
        wording = self.rng.choice(about if about and self.rng.random() < 0.4 else fitting)
        return _tidy(SLOT.sub(lambda slot: used[slot[1]][0], self._turned(wording)))


def _tidy(text: str) -> str:
    """A turn that was left out leaves a blank behind; a sentence begins with a capital letter."""
    text = MARKS.sub("", BLANK.sub(" ", text)).strip()
    return text[0].upper() + text[1:]
