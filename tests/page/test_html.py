"""Markup comes from ui/html.py alone, and text from anywhere is inert in it."""

import ast

from backends.settings import ROOT
from tests.parts.hostile import HOSTILE
from ui import html


def test_text_from_anywhere_is_inert_in_every_helper() -> None:
    made = (
        html.el("p", HOSTILE, title=HOSTILE),
        html.sentence(HOSTILE),
        html.chip(HOSTILE, HOSTILE),
        html.table([HOSTILE], [[HOSTILE]], HOSTILE),
        html.progress(HOSTILE, 0.5),
        html.problem(HOSTILE),
        html.code(HOSTILE, HOSTILE),
        html.folded(HOSTILE, HOSTILE),
        html.facts([(HOSTILE, HOSTILE)]),
        html.empty(HOSTILE, HOSTILE),
    )
    for piece in made:
        assert "<script" not in piece and "<img" not in piece and '"alert' not in piece


def test_markup_is_kept_only_as_long_as_it_is_ours() -> None:
    ours = html.el("b", "x")
    assert html.join(ours) == "<b>x</b>"
    assert html.join(f"{ours}") == "&lt;b&gt;x&lt;/b&gt;"


def test_only_https_addresses_become_links() -> None:
    assert "href" not in html.link("terms", "javascript:alert(1)")
    assert 'href="https://ai.google.dev' in html.link("terms", "https://ai.google.dev/gemma/terms")


def test_no_file_but_ui_html_writes_markup() -> None:
    for path in (ROOT / "ui").rglob("*.py"):
        if path.name == "html.py":
            continue
        texts = (n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant))
        found = [t for t in texts if isinstance(t, str) and ("</" in t or t.lstrip().startswith("<"))]
        assert not found or "extra" in found[0], f"{path}: {found}"
