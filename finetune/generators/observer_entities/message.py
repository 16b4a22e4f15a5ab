"""One message while it is written: its clauses, and the graph of exactly what they tell, by construction."""

import json
import random
import re
from collections.abc import Mapping

from finetune.generators.observer_entities.speech import About, clause, filled, joined, opening, sentence, turned
from finetune.generators.observer_entities.words import SLOTS, Fact, Kin, bare
from finetune.generators.pools import Pools
from finetune.outputs import observer_graph as graphs

ME = About("me")


class Message:
    def __init__(
        self,
        rng: random.Random,
        pools: Pools,
        kin: Mapping[Kin, tuple[str, ...]],
        facts: Mapping[tuple[Fact, ...], tuple[str, ...]],
        kinds: Pools,
    ) -> None:
        self.rng, self.pools, self.kin, self.facts, self.kinds = rng, pools, kin, facts, kinds
        self.clauses: list[str] = []
        self.asks = False
        self.entities: dict[str, str] = {}
        self.ties: list[tuple[str, str, str, str]] = []
        self.taken: set[str] = set()
        self.person, self.about = graphs.USER, ME

    def turn_to_user(self) -> None:
        self.person, self.about = graphs.USER, ME

    def pass_by(self, kind: str) -> None:
        """Something that tells nothing."""
        self.clauses.append(self._mention(self.rng.choice(self.kinds[kind])))
        self.asks = self.asks or kind == "ask" or (kind == "nothing" and self.clauses[-1][-1] in '?."')

    def meet(self, theirs: bool, alone: bool) -> None:
        """Someone new, in a clause of their own or as what the next clause is about."""
        of, speaker = (self.person, self._again()) if theirs else (graphs.USER, ME)
        told = {tie[1] for tie in self.ties}
        tie = self.rng.choice([tie for tie in self.kin if tie.predicate not in told])
        word, who = self.rng.choice(self.kin[tie]), self._someone(tie.gender)
        self._tell_of(who, "Person", (of, tie.predicate, who, tie.time))
        shown = {"who": who, "kin": word, "kin-": word.split()[-1]}
        self.person, self.about = who, About(tie.gender)
        if alone or self.rng.random() < 0.3:
            self.clauses.append(clause(self._line("tell"), speaker, shown))
            self.about = self._again()
        else:
            plain = clause(self.kinds["kin"][0], speaker, shown)
            self.about = About(tie.gender, clause(self._line("kin"), speaker, shown), plain)

    def tell(self) -> None:
        """A wording of facts about the one who the message is at, and sometimes of the thing in it."""
        told = {tie[1] for tie in self.ties if tie[0] == self.person}
        fitting = [key for key in self.facts if not key[0].about and not told & {fact.predicate for fact in key}]
        weights = [len(self.facts[key]) ** 0.5 for key in fitting]
        last = self._say(self.rng.choices(fitting, weights)[0], self.about, self.person)
        following = [key for key in self.facts if key[0].about == last[0].slot and last[0].time == key[0].time]
        if following and self.rng.random() < 0.4:
            self._say(self.rng.choice(following), ME, last[1])
        self.about = self._again() if self.person != graphs.USER else ME

    def _say(self, facts: tuple[Fact, ...], about: About, subject: str) -> tuple[Fact, str]:
        """Draw the things, say the clause; the last fact and its thing."""
        shown: dict[str, str] = {}
        name = ""
        for number, fact in enumerate(facts, 1):
            kind, slots = SLOTS[fact.slot]
            word = self._fresh(slots)
            shown |= {str(number): word, f"{number}-": bare(word)}
            owner, name = (name if fact.about == "of" else subject), bare(word)
            self._tell_of(name, kind, (owner, fact.predicate, name, fact.time))
        wording = turned(self.rng.choice(self.facts[facts]), self.rng)
        about = about if opening(wording) == "I" else About(about.gender, about.plain or about.said)
        self.clauses.append(clause(wording, about, shown))
        return facts[-1], name

    def _again(self) -> About:
        """A person once more: by the pronoun or by the first name."""
        gender = self.about.gender
        return About(gender, self.rng.choice(("", self.person.split()[0])))

    def _tell_of(self, name: str, kind: str, tie: tuple[str, str, str, str]) -> None:
        self.entities[name] = kind
        self.ties.append(tie)

    def _someone(self, gender: str) -> str:
        name = self._fresh((gender,))
        return f"{name} {self._fresh(('surname',))}" if self.rng.random() < 0.15 else name

    def _fresh(self, slots: tuple[str, ...]) -> str:
        """A word that no word of this message holds or is held in."""
        while True:
            word = self.rng.choice(self.pools[self.rng.choice(slots)])
            if slots == ("firm",) and self.rng.random() < 0.6:
                word = f"{self.rng.choice(self.pools['firm_a'])} {self.rng.choice(self.pools['firm_b'])}"
            low = bare(word).casefold()
            if not any(low in other or other in low for other in self.taken):
                self.taken.add(low)
                return word

    def _line(self, kind: str) -> str:
        return turned(self.rng.choice(self.kinds[kind]), self.rng)

    def _mention(self, wording: str) -> str:
        """A wording that names things without telling of them."""

        def word(slot: str) -> str:
            if slot == "fact":
                quoted = Message(self.rng, self.pools, self.kin, self.facts, self.kinds)
                quoted.tell()
                return sentence(quoted.clauses[0]).rstrip(".")
            return bare(self._fresh((slot,)))

        return filled(turned(wording, self.rng), word)

    def row(self) -> dict[str, str]:
        message = joined(self.clauses)
        if message.endswith(".") and self.rng.random() < 0.3:
            message = message[:-1]
        if self.rng.random() < 0.08:
            message = message.lower()
        graph = self._graph(message)
        return {
            "user_message": message,
            "assistant_message": self._reply(),
            "extraction": json.dumps(graph, ensure_ascii=False),
        }

    def _graph(self, message: str) -> graphs.Graph:
        """Names as they stand in the message, in the order in which they stand there."""
        found = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message, re.IGNORECASE) for name in self.entities}
        at = {name: match for name, match in found.items() if match}
        written = {graphs.USER: graphs.USER} | {name: match[0] for name, match in at.items()}
        ordered = sorted(self.entities, key=lambda name: at[name].start())
        place = {name: i for i, name in enumerate(ordered)}
        ties = sorted(self.ties, key=lambda tie: place[tie[2]])
        return graphs.graph(
            [(written[name], self.entities[name]) for name in ordered],
            [(written[subject], predicate, written[thing], time) for subject, predicate, thing, time in ties],
        )

    def _reply(self) -> str:
        """An answer to a question, else a few words."""
        wordings = self.kinds["answer" if self.asks else "reply"]
        wording = self.rng.choice([line for line in wordings if self.entities or "{name}" not in line])
        name = self.rng.choice(list(self.entities)) if self.entities else ""
        return sentence(self._mention(wording.replace("{name}", name)))
