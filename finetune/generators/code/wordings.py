"""How a split says what is wanted: sentences, places, results. No sentence and no name stands in two splits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wordings:
    """`{sig}` is name(arguments), `{r}` what is returned, `{ns}` the elements, `{f}` which of them, `{m}` a change."""

    frames: tuple[str, ...]
    #: frames that go step by step: choose, replace, return
    steps: tuple[str, ...]
    places: dict[str, tuple[str, ...]]
    that: str
    #: the elements themselves, and what is made of each
    items: tuple[str, ...]
    changed: tuple[str, ...]
    #: the same where the wording of a change ends in its element
    changed_last: tuple[str, ...]
    those: str
    forms: dict[str, tuple[str, ...]]
    verbs: tuple[str, ...]
    numbers: dict[str, str]
    words: dict[str, str]
    texts: tuple[str, ...]
    counts: tuple[str, ...]
    dicts: tuple[str, ...]
    seconds: tuple[str, ...]
    bounds: tuple[str, ...]
    strings: tuple[str, ...]
    labels: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _nouns(text: str) -> dict[str, str]:
    return dict(pair.split("/") for pair in text.split())


TRAIN = Wordings(
    frames=(
        "Write a function {sig} that returns {r}.",
        "Define {sig}. It should return {r}.",
        "Create a Python function {sig} to return {r}.",
        "Write a python function {sig} to find {r}.",
        "Given {args}, return {r}. Name the function {name}.",
    ),
    steps=(
        "Write a function {sig} that takes {i}, replaces each with {m}, and returns {r}.",
        "Define {sig}. For {i}, compute {m}; return {r}.",
    ),
    places={
        "list": ("in {a}", "in the list {a}"),
        "words": ("in the string {a}", "in the text {a}"),
        "characters": ("in the string {a}", "in {a}"),
        "range": ("from 1 to {a}", "from 1 up to and including {a}"),
        "values": ("among the values of the dictionary {a}", "in the values of {a}"),
        "keys": ("among the keys of the dictionary {a}", "in the keys of {a}"),
        "zip": ("of numbers at the same position in {a} and {b}", "of elements at equal positions in {a} and {b}"),
        "neighbours": ("of neighbouring numbers in {a}", "of adjacent elements in {a}"),
    },
    that="that",
    items=("the {ns} {place}{f}", "all {ns} {place}{f}"),
    changed=("{m:the} for each {n} {place}{f}", "{m:the} for every {n} {place}{f}"),
    changed_last=("{m:each}", "{m:every}"),
    those="the results",
    forms={
        "all": ("whether all {ns} {place}{f} {p}", "True if all {ns} {place}{f} {p}, otherwise False"),
        "any": ("whether any {ns} {place}{f} {p}", "True if any {ns} {place}{f} {p}, otherwise False"),
        "none": ("whether none of the {ns} {place}{f} {p}", "True if no {ns} {place}{f} {p}, otherwise False"),
        "mapping": (
            "a dictionary that maps each {n} {place}{f} to {m}",
            "a dictionary from each {n} {place}{f} to {m}",
        ),
        "largest": ("the {n} {place}{f} for which {m} is largest", "the {n} {place}{f} with the largest value of {m}"),
        "smallest": (
            "the {n} {place}{f} for which {m} is smallest",
            "the {n} {place}{f} with the smallest value of {m}",
        ),
        "order": ("a list of the {ns} {place}{f} sorted by {m}", "the {ns} {place}{f}, sorted by {m}"),
        "groups": (
            "a dictionary that groups the {ns} {place}{f} by {m}",
            "the {ns} {place}{f} grouped in a dictionary by {m}",
        ),
        "tally": (
            "a dictionary that counts the {ns} {place}{f} by {m}",
            "a dictionary with the number of {ns} {place}{f} for each value of {m}",
        ),
        "choice": ("{m} if {a} {p}, otherwise {o}", "{m} if {a} {p} and {o} if not"),
        "both": ("whether {a} {p} and {q}", "True if {a} {p} and {q}, otherwise False"),
        "either": ("whether {a} {p} or {q}", "True if {a} {p} or {q}, otherwise False"),
    },
    verbs=_words("get find pick make compute check collect solve list_of select handle filter take"),
    numbers=_nouns(
        "numbers/number values/value prices/price scores/score ages/age weights/weight marks/mark nums/number "
        "temperatures/temperature distances/distance amounts/amount points/point lengths/length salaries/salary"
    ),
    words=_nouns(
        "words/word names/name cities/city fruits/fruit tags/tag titles/title colors/color animals/animal "
        "strings/string items/item"
    ),
    texts=_words("text sentence line message s"),
    counts=_words("n number end num"),
    dicts=_words("stock ages grades prices d inventory"),
    seconds=_words("others second targets costs"),
    bounds=_words("k limit threshold x"),
    strings=_words("letter part prefix ch"),
    labels=("yes", "no", "high", "low", "big", "small", "ok", "error"),
)

VAL = Wordings(
    frames=("Please code {sig}, which has to return {r}.", "Make {sig} hand back {r}."),
    steps=("Please code {sig}: with {i}, build {m} from each, then hand back {r}.",),
    places={
        "list": ("from {a}",),
        "words": ("from the sentence {a}",),
        "characters": ("from the string {a}",),
        "range": ("counted 1 through {a}",),
        "values": ("from the values of {a}",),
        "keys": ("from the keys of {a}",),
        "zip": ("of numbers side by side in {a} and {b}",),
        "neighbours": ("of numbers next to each other in {a}",),
    },
    that="such that each",
    items=("just the {ns} {place}{f}",),
    changed=("{m:the} per {n} {place}{f}",),
    changed_last=("{m:a}",),
    those="the outcome",
    forms={
        "all": ("if it is true that all {ns} {place}{f} {p}",),
        "any": ("if it is true that any {ns} {place}{f} {p}",),
        "none": ("if it is true that no {ns} {place}{f} {p}",),
        "mapping": ("a dictionary where each {n} {place}{f} leads to {m}",),
        "largest": ("that {n} {place}{f} whose {m} comes out largest",),
        "smallest": ("that {n} {place}{f} whose {m} comes out smallest",),
        "order": ("a list with {ns} {place}{f} arranged by {m}",),
        "groups": ("a dictionary with {ns} {place}{f} grouped according to {m}",),
        "tally": ("a dictionary with a count of {ns} {place}{f} according to {m}",),
        "choice": ("either {m}, provided {a} {p}, or {o}",),
        "both": ("if it is true that {a} {p} and {q}",),
        "either": ("if it is true that {a} {p} or {q}",),
    },
    verbs=_words("obtain produce build"),
    numbers=_nouns("depths/depth bids/bid"),
    words=_nouns("flowers/flower metals/metal"),
    texts=_words("note caption"),
    counts=_words("stop size"),
    dicts=_words("tariffs seats"),
    seconds=_words("extra"),
    bounds=_words("border y"),
    strings=_words("symbol bit"),
    labels=("left", "right", "keep", "drop"),
)

TEST = Wordings(
    frames=(
        "Implement {sig} so that it gives back {r}.",
        "I need a function called {name} with parameters {args} whose result is {r}.",
        "The function {sig} shall work out {r}.",
        "Can you program {sig}? It answers with {r}.",
    ),
    steps=(
        "Implement {sig}: go through {i}, turn each into {m}, and give back {r}.",
        "The function {sig} shall look at {i}, work out {m} every time and answer with {r}.",
    ),
    places={
        "list": ("of {a}", "of the list {a}", "inside {a}"),
        "words": ("of the string {a}", "inside the string {a}"),
        "characters": ("of the string {a}", "inside the string {a}"),
        "range": ("between 1 and {a}, both included,", "starting at 1 and ending at {a}"),
        "values": ("that are values of the dictionary {a}", "stored as values of {a}"),
        "keys": ("that are keys of the dictionary {a}", "used as keys of {a}"),
        "zip": ("of numbers with the same index in {a} and {b}", "formed by zipping {a} and {b}"),
        "neighbours": ("of consecutive numbers in {a}", "formed by consecutive elements of {a}"),
    },
    that="which",
    items=("those {ns} {place}{f}", "every one of the {ns} {place}{f}"),
    changed=("{m:that}, for any {n} {place}{f}", "{m:the}, taken for each of the {ns} {place}{f}"),
    changed_last=("{m:each single}", "{m:any}"),
    those="these values",
    forms={
        "all": ("whether, without exception, all {ns} {place}{f} {p}", "True only when all the {ns} {place}{f} {p}"),
        "any": ("whether at least some {ns} {place}{f} {p}", "True when one or more {ns} {place}{f} {p}"),
        "none": ("whether there are no {ns} {place}{f} that {p}", "True only when not any {ns} {place}{f} {p}"),
        "mapping": (
            "a dictionary with every {n} {place}{f} as a key and {m} as its value",
            "a dictionary whose keys are the {ns} {place}{f} and whose values are {m}",
        ),
        "largest": ("the {n} {place}{f} that has the highest value for {m}", "the {n} {place}{f} where {m} is biggest"),
        "smallest": ("the {n} {place}{f} that has the lowest value for {m}", "the {n} {place}{f} where {m} is least"),
        "order": (
            "the {ns} {place}{f} as a list ordered by {m}",
            "a list of the {ns} {place}{f}, with {m} deciding the order",
        ),
        "groups": (
            "a dictionary of lists which collects the {ns} {place}{f} under {m}",
            "a dictionary that puts the {ns} {place}{f} into lists by {m}",
        ),
        "tally": (
            "a dictionary that tells how many {ns} {place}{f} there are per {m}",
            "a dictionary of the counts of the {ns} {place}{f}, with {m} as the key",
        ),
        "choice": ("{m} when {a} {p}, and else {o}", "{m} in case {a} {p}, in any other case {o}"),
        "both": ("True exactly when {a} {p} and also {q}", "whether it is the case that {a} {p} and {q}"),
        "either": ("True exactly when {a} {p} or else {q}", "whether it is the case that {a} {p} or {q}"),
    },
    verbs=_words("derive extract report evaluate tell determine assess"),
    numbers=_nouns(
        "readings/reading balances/balance heights/height fares/fare votes/vote widths/width speeds/speed "
        "payments/payment"
    ),
    words=_nouns("countries/country planets/planet tools/tool rivers/river surnames/surname labels/label"),
    texts=_words("phrase headline paragraph document"),
    counts=_words("m upper last top"),
    dicts=_words("populations rainfall budget ratings"),
    seconds=_words("offers partners"),
    bounds=_words("bound cutoff margin level"),
    strings=_words("piece snippet fragment"),
    labels=("hot", "cold", "accept", "reject", "heavy", "light"),
)

OF_SPLIT = {"train": TRAIN, "val": VAL, "test": TEST}
