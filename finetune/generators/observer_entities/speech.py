"""One wording as a clause: things and the one who it is about set in, with the verb's form that goes with them."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TURN = re.compile(r"\[([^\[\]]*)\]")
FORM = re.compile(r"<([^<>|]*)\|([^<>|]*)>")
SLOT = re.compile(r"\{(\w+-?)\}")
OPENING = re.compile(r"\{(I|me|my)\}")
BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou])")
#: signs that stand close to the word before them
CLOSE = re.compile(r" (?=[.,?!])| (?='(?:m|ve|ll|d)\b)|(?<=[?!])\.")
FORMS = {
    "me": {"I": "I", "I2": "I", "me": "me", "my": "my", "self": "myself"},
    "woman": {"I": "she", "I2": "she", "me": "her", "my": "her", "self": "herself"},
    "man": {"I": "he", "I2": "he", "me": "him", "my": "his", "self": "himself"},
}


@dataclass(frozen=True)
class About:
    """The one who a clause is about: `said` at the first mention, `plain` where commas do not fit; "" = a pronoun."""

    gender: str
    said: str = ""
    plain: str = ""


def turned(wording: str, rng: random.Random) -> str:
    return TURN.sub(lambda turn: rng.choice(turn[1].split("|")), wording)


def opening(wording: str) -> str:
    """In which form a wording first names the one who it is about: I, me or my."""
    found = OPENING.search(wording)
    return found[1] if found else ""


def clause(wording: str, about: About, words: Mapping[str, str]) -> str:
    """A wording without turns, said of someone; `words` fill its other slots."""
    own = FORMS[about.gender]
    wording = FORM.sub(lambda form: form[1 if about.gender == "me" else 2], wording.replace("{me}self", "{self}"))
    said = about.said

    def word(slot: str) -> str:
        nonlocal said
        if slot not in own:
            return words[slot]
        first, said = said, ""
        if not first:
            return own[slot]
        return f"{first}'s" if slot == "my" else first

    return filled(wording, word)


def filled(wording: str, word: Callable[[str], str]) -> str:
    """Slots filled. A turn that was left out leaves a blank behind; `a` before a vowel is `an`."""
    text = " ".join(SLOT.sub(lambda slot: word(slot[1]), wording).split())
    return CLOSE.sub("", BEFORE_VOWEL.sub(r"\1n ", text))


def sentence(text: str) -> str:
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?:," else text + "."


def joined(clauses: Sequence[str]) -> str:
    """Clauses one after the other; after a comma or a colon the next goes on in small letters."""
    text = sentence(clauses[0])
    for said in clauses[1:]:
        text += " " + (said + sentence(said)[len(said) :] if text[-1] in ",:" else sentence(said))
    return text
