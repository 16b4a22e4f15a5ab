"""Both evaluators agree with every stored row of the seed system; the headline metric punishes what they miss."""

import json

import pytest

from backends.settings import ROOT
from finetune.outputs import sourcegraph_query as sg

VECTORS = ROOT.parent / "shared" / "data" / "sourcegraph_evaluator_vectors.jsonl"


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip("the stored verdicts are not part of the project")
    return [json.loads(line) for line in VECTORS.read_text().splitlines()]


def test_lenient_agrees_with_every_stored_verdict(vectors):
    rows = [row for row in vectors if "verdict" in row]
    assert len(rows) == 144
    for row in rows:
        found = sg.lenient(row["expected"], row["output"])
        assert found.syntax_valid == row["syntax_valid"], row
        assert found.semantic_match == row["semantic_match"], row
        assert sorted(found.hallucinations) == sorted(set(row["hallucinations"])), row


def test_strict_overlap_agrees_with_the_stored_ones(vectors):
    rows = [row for row in vectors if "overlap" in row]
    assert len(rows) == 36
    for row in rows:
        assert sg.overlap(row["expected"], row["output"]) == pytest.approx(row["overlap"]), row


def test_quotes_and_addresses_hold_no_operators():
    assert sg.operators('"branch:main" see https://x.org/a:b path:src') == ["path"]


def test_the_seed_documents_own_example_fails_at_two_of_three():
    verdict = sg.lenient(
        "repo:sourcegraph/sourcegraph lang:go type:symbol",
        'repo:sourcegraph/sourcegraph lang:go content:"func"',
    )
    assert verdict.syntax_valid and not verdict.semantic_match


def test_a_wrong_repository_passes_the_lenient_rule_but_not_item_f1():
    assert sg.lenient("repo:^a$ foo", "repo:^b$ foo").correct
    assert sg.item_f1("repo:^a$ foo", "repo:^b$ foo") == 0.5


def test_every_operator_at_once_cannot_win_item_f1():
    everything = " ".join(f"{name}:x" for name in sorted(sg.OPERATORS))
    assert sg.lenient("repo:a lang:go", everything).correct
    assert sg.item_f1("repo:a lang:go", everything) < 0.1


def test_short_names_are_the_long_ones():
    assert sg.item_f1("r:a f:b l:go", "repo:a file:b lang:go") == 1.0
