"""How the validation and test rows say what is wanted. No sentence and no name of them stands in another split."""

from finetune.generators.code.wordings import Wordings, nouns, split
from finetune.generators.code.wordings_train import TRAIN

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
    verbs=split("obtain produce build"),
    numbers=nouns("depths/depth bids/bid"),
    words=nouns("flowers/flower metals/metal"),
    texts=split("note caption"),
    counts=split("stop size"),
    dicts=split("tariffs seats"),
    seconds=split("extra"),
    bounds=split("border y"),
    strings=split("symbol bit"),
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
    verbs=split("derive extract report evaluate tell determine assess"),
    numbers=nouns(
        "readings/reading balances/balance heights/height fares/fare votes/vote widths/width speeds/speed "
        "payments/payment"
    ),
    words=nouns("countries/country planets/planet tools/tool rivers/river surnames/surname labels/label"),
    texts=split("phrase headline paragraph document"),
    counts=split("m upper last top"),
    dicts=split("populations rainfall budget ratings"),
    seconds=split("offers partners"),
    bounds=split("bound cutoff margin level"),
    strings=split("piece snippet fragment"),
    labels=("hot", "cold", "accept", "reject", "heavy", "light"),
)

OF_SPLIT = {"train": TRAIN, "val": VAL, "test": TEST}
