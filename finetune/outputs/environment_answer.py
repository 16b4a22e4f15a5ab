"""How close an answer in words is to the expected one: the seed's token F1 and exact match, BLEU, ROUGE-L, keywords."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

MAX_CHARS = 240
#: What an answer is written in: printable ASCII and the letters and signs that texts on the environment need. Each is
#: at most one token of the base, so MAX_CHARS tokens hold the longest legal answer.
LETTERS = "À-ÖØ-öø-ÿ°²³µ·±×–€"
#: one line of one or two sentences, ended like a sentence; a new line ends it for a base that knows no end token
LARK = rf"""
start: /[ -~{LETTERS}]{{1,{MAX_CHARS - 1}}}[.!?]/ /\n{{1,2}}/?
"""
SENTENCE = re.compile(r"(?<=[.!?])\s+")
WORD = re.compile(r"[^\W_]+(?:[.,'-][^\W_]+)*")


def exact(expected: str, answer: str) -> bool:
    """The seed's: equal without case and the blanks around."""
    return expected.strip().lower() == answer.strip().lower()


def token_f1(expected: str, answer: str) -> float:
    """The seed's: F1 of the sets of words between blanks, without case. A word said twice counts once."""
    return _f1(set(expected.lower().split()), set(answer.lower().split()))


def word_f1(expected: str, answer: str) -> float:
    """The same without the marks at a word, so that "2019." is "2019"."""
    return _f1(*(set(WORD.findall(text.lower())) for text in (expected, answer)))


def _f1(expected: set[str], answer: set[str]) -> float:
    shared = len(expected & answer)
    return 2 * shared / (len(expected) + len(answer)) if shared else 0.0


def keyword_recall(keywords: Sequence[str], answer: str) -> float | None:
    """Share of the keywords that stand in the answer as whole words; None where the row names none."""
    if not keywords:
        return None
    return sum(stands(word, answer) for word in keywords) / len(keywords)


def stands(word: str, text: str) -> bool:
    """In any case, and not as a part of another word or number: 12 is not in 1,200 and 2.4 is not in 12.4."""
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(word.casefold())}(?!\w|[.,]\d)", text.casefold()) is not None


def rouge_l(expected: str, answer: str) -> float:
    """F1 of the longest common subsequence of words, by the package rouge-score."""
    return float(_rouge().score(expected, answer)["rougeL"].fmeasure)


@lru_cache(maxsize=1)
def _rouge() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)


def bleu(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Corpus BLEU of (expected, answer) pairs by sacrebleu, 0 to 1. None without pairs."""
    from sacrebleu.metrics import BLEU

    if not pairs:
        return None
    correct, total = [0] * BLEU_ORDER, [0] * BLEU_ORDER
    said = wanted = 0
    for pair in pairs:
        answer, expected, *counts = _counts(*pair)
        said, wanted = said + answer, wanted + expected
        correct = [a + b for a, b in zip(correct, counts[:BLEU_ORDER], strict=True)]
        total = [a + b for a, b in zip(total, counts[BLEU_ORDER:], strict=True)]
    return BLEU.compute_bleu(correct, total, said, wanted, smooth_method="exp").score / 100


BLEU_ORDER = 4


@lru_cache(maxsize=8192)  # an interval asks for the same answers some hundred times
def _counts(expected: str, answer: str) -> tuple[int, ...]:
    """(length of the answer, of the expected one, n-grams that are right, n-grams in all), as sacrebleu counts them."""
    score = _bleu().corpus_score([answer], [[expected]])
    return (score.sys_len, score.ref_len, *score.counts, *score.totals)


@lru_cache(maxsize=1)
def _bleu() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU()
