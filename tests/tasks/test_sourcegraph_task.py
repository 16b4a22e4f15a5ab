"""Requests to Sourcegraph queries: rows in, answers read, both evaluators, the grammar's bounds and the panel."""

import html
import json
import re

import pytest

from backends import grammar
from backends.bases import tokenizer
from backends.catalog import bases
from backends.engine_client import Engine
from backends.errors import BadInput
from backends.settings import ROOT
from finetune import ask, examples, formats
from finetune.outputs import sourcegraph_query as queries
from finetune.outputs.sourcegraph_grammar import LARK, MAX_CHARS
from finetune.rows.data import read_jsonl
from finetune.scoring import baselines
from finetune.task import Unreadable
from finetune.tasks.sourcegraph import TASK
from ui import panels

REAL = ROOT.parent / "shared" / "data" / "sourcegraph_pairs.jsonl"

GOOD = [
    r"repo:^github\.com/org/name$@v1.2 lang:go func\s+\w+\( patterntype:regexp",
    "r:org/name f:test repogroup:sample l:python",
    "-file:vendor -repo:mirror NOT deprecated \"a b: c\" 'x y'",
    "(alpha OR beta) AND NOT gamma",
    r"repo:^github\.com/(a/b|c/d)$ Close()",
    'type:commit author:"jane doe" after:"2 weeks ago" before:2024-05-01 select:commit.diff.added',
    "type:symbol select:symbol.function count:all timeout:20s case:yes fork:only archived:no visibility:private",
    "context:@me rev:main content:x committer:bo message:fix language:c++ patternType:literal",
]
BAD = [
    *(
        "",
        " ",
        "AND",
        "alpha AND",
        "OR beta",
        "alpha  beta",
        " alpha",
        "alpha ",
        "(alpha",
        "alpha)",
        "a\nb",
        "caf\u00e9",
    ),
    *("path:src", "branch:main", "stars:>5", "go:generate", "https://x.org", "type:function", "count:0", "count:many"),
    *("case:maybe", "repo:", 'file:"', '"open', "don't", "((a OR b))"),
]


def whole(text: str) -> bool:
    """Is the text a complete answer in the task's form?"""
    from llguidance import LLMatcher

    matcher = LLMatcher(grammar._bytes_tokenizer(), LLMatcher.grammar_from_lark(LARK), log_level=0)
    wanted = list(text.encode())
    return matcher.validate_tokens(wanted) == len(wanted) and matcher.consume_tokens(wanted) and matcher.is_accepting()


@pytest.fixture(scope="module")
def test_rows():
    return read_jsonl(examples.path_of("sourcegraph", "test"))


# Rows in.


@pytest.mark.parametrize(
    "row",
    [
        {"natural_language": "find x in a/b", "query": " repo:a/b x ", "category": "repo_scoped"},
        {
            "natural_language": "find x in a/b",
            "sourcegraph_query": "repo:a/b x",
            "candidates": [],
            "category": "repo_scoped",
        },
        {"user_query": "find x in a/b", "date": "2026-01-01", "expected_output": {"query": "repo:a/b x"}},
        {
            "messages": [
                {"role": "system", "content": "Convert"},
                {"role": "user", "content": "Query: find x in a/b\nDate: 2026-01-01"},
                {"role": "assistant", "content": '{"query": "repo:a/b x"}'},
            ]
        },
    ],
    ids=["ours", "pair", "gold", "messages"],
)
def test_every_row_shape_of_the_seed_becomes_the_same_clean_row(row):
    cleaned = TASK.clean(row)
    assert (cleaned["natural_language"], cleaned["query"]) == ("find x in a/b", "repo:a/b x")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"query": "repo:a"}, "natural_language"),
        ({"natural_language": "find a"}, "query"),
        ({"natural_language": "find a", "query": "a\nb"}, "query"),
        ({"natural_language": "  ", "query": "a"}, "natural_language"),
        ({"user_query": "find a", "expected_output": "a"}, "query"),
        ({"messages": [{"role": "user"}]}, "messages"),
    ],
)
def test_an_unusable_row_names_its_column(row, column):
    with pytest.raises(BadInput, match=f"column {column}"):
        TASK.clean(row)


# Answers.


@pytest.mark.parametrize(
    "answer",
    [
        "repo:a b",
        "  repo:a b\n",
        "<think>which\nrepo?</think>\nrepo:a b",
        '{"query": "repo:a b"}',
        '<think></think>{"query": " repo:a b "}',
    ],
)
def test_a_plain_query_and_the_seeds_json_are_read_alike(answer):
    assert TASK.parse(answer) == "repo:a b"


@pytest.mark.parametrize(
    "answer", ["", "  \n", "<think>hm</think>", "repo:a\nrepo:b", '{"query": ""}', '{"q": "repo:a"}', '{"query": 3}']
)
def test_an_empty_or_many_lined_answer_is_unreadable_and_scores_nothing(answer):
    with pytest.raises(Unreadable):
        TASK.parse(answer)
    scored = TASK.score({"natural_language": "x", "query": "repo:a"}, answer)
    assert [metric.part(scored) for metric in TASK.metrics] == [0.0] * len(TASK.metrics)


def test_a_query_that_begins_with_a_brace_stays_a_query():
    assert TASK.parse("{ foo") == "{ foo"


def test_the_wrong_repository_is_correct_for_the_seed_and_half_right_by_items():
    scored = TASK.score({"natural_language": "x", "query": "repo:^a$ foo"}, "repo:^b$ foo")
    assert scored.correct and scored.parts["semantic_match"] == 1.0
    assert scored.parts["item_f1"] == 0.5 and scored.parts["strict_match"] == 0.0


def test_no_trivial_system_comes_far_by_items_though_a_constant_satisfies_the_seeds_evaluator(test_rows):
    train = read_jsonl(examples.path_of("sourcegraph", "train"))
    mean = {}
    for name in (*(system.name for system in TASK.trivial), "nearest"):
        answer = baselines.fit(TASK, name, train)
        scored = [TASK.score(row, answer(row)) for row in test_rows]
        mean[name] = {
            key: sum(s.parts.get(key, 0) for s in scored) / len(scored) for key in ("item_f1", "semantic_match")
        }
    assert mean["every-operator"]["semantic_match"] == 1.0
    assert max(figures["item_f1"] for figures in mean.values()) < 0.25, mean


@pytest.mark.parametrize("request_text", ["", "  \n", "?!", "find " * 200])
def test_what_is_no_request_is_said_to_be_none(request_text):
    assert TASK.unfit({"natural_language": request_text})


def test_samples_fit_and_are_no_rows_of_ours(test_rows):
    for sample in TASK.samples:
        assert TASK.unfit(sample) is None
        assert sample["natural_language"] not in {row["natural_language"] for row in test_rows}


# The form.


def test_the_form_compiles():
    assert grammar.check(TASK.constraint) == LARK


@pytest.mark.parametrize("query", GOOD)
def test_real_syntax_is_in_the_form(query):
    assert whole(query)


@pytest.mark.parametrize("query", BAD)
def test_what_is_no_query_is_not_in_the_form(query):
    assert not whole(query)


@pytest.mark.parametrize("name", sorted(queries.OPERATORS | queries.UNLISTED))
def test_every_operator_of_the_seed_and_the_real_short_ones_are_in_the_form(name):
    values = ("x", "yes", "symbol", "5", "5s", "repo", "regexp", "public", "2024-01-01")
    assert any(whole(f"{name}:{value}") for value in values)


def test_the_longest_legal_answer_fits_the_token_limit():
    """The form ends at MAX_CHARS ASCII characters; each is one token at worst, and the end is one more."""
    assert whole("a" * MAX_CHARS) and not grammar.allows(LARK, "a" * (MAX_CHARS + 1))
    assert whole('"' + "b" * (MAX_CHARS - 2) + '"') and not grammar.allows(LARK, "(repo:" + "c" * MAX_CHARS)
    assert not grammar.allows(LARK, "\u00e9") and not grammar.allows(LARK, '"\u00e9')
    assert TASK.max_new_tokens > MAX_CHARS


@pytest.mark.model
def test_the_longest_legal_answer_fits_when_counted_with_the_tokenizer(base_settings):
    tokens = tokenizer.load(base_settings, bases()["gemma-3-270m"])
    worst = max(
        ("~^" * MAX_CHARS, "\\(" * MAX_CHARS, "xq" * MAX_CHARS, "1" * MAX_CHARS),
        key=lambda t: len(tokens.encode_text(t)),
    )
    assert len(tokens.encode_text(worst[:MAX_CHARS])) < TASK.max_new_tokens


@pytest.mark.model
def test_rows_stay_short(base_settings):
    tokens = tokenizer.load(base_settings, bases()["gemma-3-270m"])
    plain = formats.Plain()
    lengths = sorted(
        len(tokens.encode(plain.prompt(TASK, row)) + tokens.encode_text(TASK.answer_of(row)))
        for row in read_jsonl(examples.path_of("sourcegraph", "train"))
    )
    assert lengths[len(lengths) // 2] <= 100 and lengths[-1] <= 192


@pytest.mark.model
def test_llama_cpp_holds_an_untrained_base_to_the_form(base_settings):
    """Its own matcher must know the `&` and `~` of this grammar; what it cannot compile it drops in silence."""
    with Engine.start(base_settings, ("llama_cpp",), parallel=1) as engine:
        engine.prepare()
        answer = ask.collect(ask.stream(engine, base_settings, TASK, TASK.samples[0], None))
    assert whole(answer.text) or (answer.cut and grammar.allows(LARK, answer.text)), answer.text


def test_an_answer_in_the_form_invents_no_operator():
    for query in GOOD:
        made_up = set(queries.operators(query)) - queries.OPERATORS - queries.UNLISTED
        assert not made_up, query


def test_most_real_queries_are_in_the_form_and_all_are_readable_rows():
    if not REAL.exists():
        pytest.skip("the real queries are not part of the project")
    rows = [TASK.clean(json.loads(line)) for line in REAL.read_text().splitlines()]
    assert len(rows) == 200
    assert sum(whole(row["query"]) for row in rows) >= 180  # the rest holds bare colons, single quotes or double blanks


# The panel.


def test_the_panel_marks_operators_and_nothing_else():
    shown = panels.result(TASK, r'-repo:^github\.com/a/b$ "x: y" OR go lang:go')
    assert shown.count("acr-op-where") == 1 and shown.count("acr-op-files") == 1 and "<b>-repo:</b>" in shown
    assert "every operator exists" in shown and "acr-made-up" not in shown


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("path:src x", "file:"),
        ("x branch:main", "@branch"),
        ("ext:py", "$"),
        ("stars:5 x", "GitHub"),
        ("wat:5", "quotes"),
        ("foo-path:src", "file:"),
    ],
)
def test_a_made_up_operator_is_underlined_with_advice(query, advice):
    shown = panels.result(TASK, query)
    assert shown.count("acr-made-up") == 1 and "made-up operator" in shown
    assert advice in shown.split("acr-advice")[1]


def test_real_filters_beside_the_seeds_list_are_not_called_made_up():
    assert "acr-made-up" not in panels.result(TASK, "r:a f:b repogroup:c")


def test_the_panel_escapes_what_a_model_wrote_and_teaches_when_empty():
    assert "<script" not in panels.result(TASK, "<script>alert(1)</script> lang:<b> path:<i>")
    assert "No query yet" in panels.result(TASK, "")


def test_the_line_on_the_panel_reads_as_the_query():
    query = r'(repo:^github\.com/a/b$ OR x) path:src "a b" Close()'
    line = panels.result(TASK, query).split('class="acr-query">')[1].split("</p>")[0]
    assert html.unescape(re.sub(r"<[^>]+>", "", line)) == query
    assert "keywords only" in panels.result(TASK, "retry backoff")


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("(repo:a OR x) y", ["parenthesis", "operator", "joiner", "word", "parenthesis", "word"]),
        (r'Close() \( "a b" -lang:go', ["word", "word", "word", "operator"]),
        ("repo:(a|b)$ lang:", ["operator", "operator"]),
    ],
)
def test_pieces_of_a_query(query, kinds):
    assert [piece.kind for piece in queries.pieces(query)] == kinds
