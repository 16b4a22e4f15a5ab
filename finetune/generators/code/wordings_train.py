"""How the training rows say what is wanted: many ways, so that what is learned is the meaning and not the wording."""

from finetune.generators.code.wordings import Wordings, nouns, split

TRAIN = Wordings(
    frames=(
        "Write a function {sig} that returns {r}.",
        "Define {sig}. It should return {r}.",
        "Create a Python function {sig} to return {r}.",
        "Write a python function {sig} to find {r}.",
        "Given {args}, return {r}. Name the function {name}.",
        "Write {sig}, which returns {r}.",
        "Write Python code for {sig}: it computes {r}.",
        "Return {r} from a function {sig}.",
        "How would you write {sig} if it has to return {r}?",
        "A function {name} takes {args} and returns {r}.",
        "{sig} is to find {r}. Write it.",
    ),
    steps=(
        "Write a function {sig} that takes {i}, replaces each with {m}, and returns {r}.",
        "Define {sig}. For {i}, compute {m}; return {r}.",
        "Write {sig}: it replaces each of {i} with {m} and returns {r}.",
        "A function {name} takes {args}. For {i} it computes {m}, then it returns {r}.",
    ),
    places={
        "list": ("in {a}", "in the list {a}", "from the list {a}", "that are in {a}", "contained in {a}"),
        "words": (
            "in the string {a}",
            "in the text {a}",
            "found in {a}",
            "from the text {a}",
            "that are in the string {a}",
        ),
        "characters": ("in the string {a}", "in {a}", "from the text {a}", "found in {a}", "that are in {a}"),
        "range": (
            "from 1 to {a}",
            "from 1 up to and including {a}",
            "from one through {a}",
            "from 1 to {a} inclusive",
            "in the range from 1 to {a}",
        ),
        "values": (
            "among the values of the dictionary {a}",
            "in the values of {a}",
            "that the dictionary {a} has as values",
            "among the values in {a}",
        ),
        "keys": (
            "among the keys of the dictionary {a}",
            "in the keys of {a}",
            "that the dictionary {a} has as keys",
            "among the keys in {a}",
        ),
        "zip": (
            "of numbers at the same position in {a} and {b}",
            "of elements at equal positions in {a} and {b}",
            "of numbers from the same place in {a} and {b}",
        ),
        "neighbours": (
            "of neighbouring numbers in {a}",
            "of adjacent elements in {a}",
            "of numbers that follow each other in {a}",
        ),
    },
    that="that",
    items=("the {ns} {place}{f}", "all {ns} {place}{f}", "all of the {ns} {place}{f}", "each of the {ns} {place}{f}"),
    changed=(
        "{m:the} for each {n} {place}{f}",
        "{m:the} for every {n} {place}{f}",
        "{m:the}, for all {ns} {place}{f}",
        "{m:the}, computed for each of the {ns} {place}{f}",
    ),
    changed_last=("{m:each}", "{m:every}"),
    those="the results",
    forms={
        "all": (
            "whether all {ns} {place}{f} {p}",
            "True if all {ns} {place}{f} {p}, otherwise False",
            "if all {ns} {place}{f} {p} or not",
            "True or False: all {ns} {place}{f} {p}",
        ),
        "any": (
            "whether any {ns} {place}{f} {p}",
            "True if any {ns} {place}{f} {p}, otherwise False",
            "if any {ns} {place}{f} {p} or not",
            "True or False: some {ns} {place}{f} {p}",
        ),
        "none": (
            "whether none of the {ns} {place}{f} {p}",
            "True if no {ns} {place}{f} {p}, otherwise False",
            "if no {ns} {place}{f} {p} or not",
            "True or False: none of the {ns} {place}{f} {p}",
        ),
        "mapping": (
            "a dictionary that maps each {n} {place}{f} to {m}",
            "a dictionary from each {n} {place}{f} to {m}",
            "a dictionary with {m} for each {n} {place}{f}",
        ),
        "largest": ("the {n} {place}{f} for which {m} is largest", "the {n} {place}{f} with the largest value of {m}"),
        "smallest": (
            "the {n} {place}{f} for which {m} is smallest",
            "the {n} {place}{f} with the smallest value of {m}",
        ),
        "order": (
            "a list of the {ns} {place}{f} sorted by {m}",
            "the {ns} {place}{f}, sorted by {m}",
            "the {ns} {place}{f} in a list that is sorted by {m}",
        ),
        "groups": (
            "a dictionary that groups the {ns} {place}{f} by {m}",
            "the {ns} {place}{f} grouped in a dictionary by {m}",
            "a dictionary of the {ns} {place}{f} in groups by {m}",
        ),
        "tally": (
            "a dictionary that counts the {ns} {place}{f} by {m}",
            "a dictionary with the number of {ns} {place}{f} for each value of {m}",
            "a dictionary with how often each value of {m} comes up among the {ns} {place}{f}",
        ),
        "choice": (
            "{m} if {a} {p}, otherwise {o}",
            "{m} if {a} {p} and {o} if not",
            "{m} if {a} {p}, else {o}",
            "{m} where {a} {p}, {o} where not",
        ),
        "both": ("whether {a} {p} and {q}", "True if {a} {p} and {q}, otherwise False", "if {a} {p} and {q}, or not"),
        "either": ("whether {a} {p} or {q}", "True if {a} {p} or {q}, otherwise False", "if {a} {p} or {q}, or not"),
    },
    verbs=split("get find pick make compute check collect solve list_of select handle filter take"),
    numbers=nouns(
        "numbers/number values/value prices/price scores/score ages/age weights/weight marks/mark nums/number "
        "temperatures/temperature distances/distance amounts/amount points/point lengths/length salaries/salary"
    ),
    words=nouns(
        "words/word names/name cities/city fruits/fruit tags/tag titles/title colors/color animals/animal "
        "strings/string items/item"
    ),
    texts=split("text sentence line message s"),
    counts=split("n number end num"),
    dicts=split("stock ages grades prices d inventory"),
    seconds=split("others second targets costs"),
    bounds=split("k limit threshold x"),
    strings=split("letter part prefix ch"),
    labels=("yes", "no", "high", "low", "big", "small", "ok", "error"),
)
