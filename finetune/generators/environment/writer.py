"""Writes one row: a short text, a question and its answer. The answer is right by construction.

It is the sentence that tells what is asked, with the name for the pronoun and without its aside; of two values it is
the one asked for, or both in order of size. The opening sentence never holds it. What no sentence tells is answered
with exactly that.
"""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from finetune.generators.environment.domains import Domain
from finetune.generators.environment.slots import Slots
from finetune.outputs.environment_chat import fold

#: how often a row is of this kind
KINDS = {
    "fact": 41,
    "one of two": 15,
    "comparison": 14,
    "follow-up, other value": 9,
    "follow-up, other fact": 8,
    "not in the context": 10,
    "no context": 3,
}
#: short questions after another one, for the other of two values; told apart by the split's own words
AGAIN = {
    "train": ("And {k}?", "What about {k}?", "And {k}, please?", "And what of {k}?"),
    "val": ("Now {k}, please.", "Then {k}?"),
    "test": ("Could you give me {k} too?", "The same for {k}?", "I also want to know: {k}?"),
}


class Told(NamedTuple):
    """A sentence of the text, and a question that it answers."""

    sentence: str
    question: str
    answer: str
    keywords: list[str]


class Writer:
    """Draws rows from the subjects of one split."""

    def __init__(self, rng: random.Random, split: str, domains: Sequence[Domain]) -> None:
        self.rng, self.again, self.domains = rng, AGAIN[split], domains

    def row(self) -> dict[str, Any]:
        kind = self.rng.choices(list(KINDS), list(KINDS.values()))[0]
        self.domain = self.rng.choice(self.domains)
        self.subject = self.rng.choice(self.domain.pools["names"])
        self.kind = self.rng.choice(self.domain.pools["kind"])
        self.used: set[str] = set()
        make = {
            "fact": lambda: self._one(self.domain.facts),
            "one of two": lambda: self._one(self.domain.pairs),
            "comparison": self._comparison,
            "follow-up, other value": self._other_value,
            "follow-up, other fact": self._other_fact,
            "not in the context": self._untold,
            "no context": self._nothing,
        }[kind]
        return make() | {"kind": kind, "topic": self.domain.name}

    def _slots(self) -> Slots:
        return Slots(self.rng, self.domain, self.subject, self.kind, self.used)

    def _told(self, line: Sequence[str]) -> Told:
        """A fact, or the pair as a question for one of its values."""
        slots = self._slots()
        if line[0].startswith("pair"):
            slots.draw_pair(line[0])
        sentence, question, answer = (slots.say(text, told=i == 0) for i, text in enumerate(line[1:4]))
        return Told(sentence, question, answer, slots.keywords(answer))

    def _text(self, sentences: Sequence[str], besides: Sequence[Sequence[str]]) -> str:
        """The opening sentence, then these and one or two more, in any order."""
        least = max(0, 2 - len(sentences))
        more = self.rng.sample(besides, least + (self.rng.random() < 0.4))
        body = [*sentences, *(self._told(line).sentence for line in more)]
        self.rng.shuffle(body)
        return " ".join([self._slots().say(self.rng.choice(self.domain.intros)), *body])

    def _others(self, *lines: Sequence[str]) -> list[list[str]]:
        return [line for line in (*self.domain.facts, *self.domain.pairs) if line not in lines]

    def _row(self, question: str, context: str, answer: str, keywords: list[str]) -> dict[str, Any]:
        return {"instruction": question, "input": context, "output": answer, "expected_keywords": keywords}

    def _one(self, lines: Sequence[Sequence[str]]) -> dict[str, Any]:
        """One of these lines is asked for; of a pair one value."""
        line = self.rng.choice(lines)
        told = self._told(line)
        return self._row(told.question, self._text([told.sentence], self._others(line)), told.answer, told.keywords)

    def _comparison(self) -> dict[str, Any]:
        line = self.rng.choice(self.domain.pairs)
        slots = self._slots()
        slots.draw_pair(line[0])
        sentence, question, answer = slots.say(line[1], told=True), slots.say(line[4]), slots.say(line[5])
        return self._row(question, self._text([sentence], self._others(line)), answer, slots.keywords(answer))

    def _other_value(self) -> dict[str, Any]:
        """A question for one of two values, then a few words for the other."""
        line = self.rng.choice(self.domain.pairs)
        slots = self._slots()
        pool = slots.draw_pair(line[0])
        context = self._text([slots.say(line[1], told=True)], self._others(line))
        before = slots.say(line[2]), slots.say(line[3])
        slots.ask_the_other()
        question = slots.say(self.rng.choice(self.again).replace("{k}", f"{{{pool}}}"))
        answer = slots.say(line[3])
        return self._row(question, fold(context, [before]), answer, slots.keywords(answer))

    def _other_fact(self) -> dict[str, Any]:
        """A question about the text after one or two about other sentences of it."""
        *earlier, line = self.rng.sample(self._others(), 2)
        turns, told = [self._told(one) for one in earlier], self._told(line)
        context = self._text([told.sentence, *(turn.sentence for turn in turns)], self._others(line, *earlier))
        history = [(turn.question, turn.answer) for turn in turns]
        question = told.question.replace(self.subject, "it") if self.rng.random() < 0.5 else told.question
        return self._row(question, fold(context, history), told.answer, told.keywords)

    def _untold(self) -> dict[str, Any]:
        question, asked, line = self._unanswered()
        context = self._text([], [other for other in self._others() if other[2] != line])
        return self._row(question, context, f"The context does not say {asked}.", ["does not say"])

    def _nothing(self) -> dict[str, Any]:
        question, asked, _ = self._unanswered()
        return self._row(question, "", f"There is no context that says {asked}.", ["no context"])

    def _unanswered(self) -> tuple[str, str, str]:
        """A question, what it asks in the words of a sentence, and the fact's question that the text may not answer."""
        facts = [(line[2], line[4]) for line in self.domain.facts if len(line) > 4]
        pool = facts if self.rng.random() < 0.5 else [(line[1], line[2]) for line in self.domain.untold]
        question, asked = self.rng.choice(pool)
        slots = self._slots()
        said, clause = slots.say(question), slots.say(f"x {asked}")[2:]
        return said, clause, question
