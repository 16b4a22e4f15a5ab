"""What the README says is true: its tree, its commands, its links; and every module says what it is."""

import ast
import re
import shlex

import pytest

from backends.settings import ROOT
from finetune import cli
from tests import code, tree

PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: one task's shapes and words, read as a table
LONGER = {"finetune/generators/javascript/train.py"}


def commands() -> list[str]:
    """Every `python -m finetune ...` that a page shows, on a line of its own or between back-ticks."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
        text = re.sub(f"{tree.OPEN}.*?{tree.CLOSE}", "", text, flags=re.DOTALL)
        found += re.findall(r"python -m finetune( [^`\n]+)", text)
    return sorted({command.strip() for command in found})


def test_the_tree_in_the_readme_is_the_one_on_disk() -> None:
    assert tree.undescribed() == []
    assert tree.written(README) == README, "run `make tree`"


@pytest.mark.parametrize("command", commands())
def test_a_command_in_the_pages_is_one_that_exists(command: str) -> None:
    words = shlex.split(re.split(r"\s[|>]", command)[0], comments=True)
    assert cli.parser().parse_args(words).handler


def test_every_make_target_that_a_page_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target
        for page in PAGES
        for line in re.findall(r"(?:`|^)make ([a-z ]+?)(?:`| +#|$)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
        for target in line.split()
    }
    assert {"run", "test"} <= named
    assert not [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)]


def test_every_link_to_a_file_leads_somewhere() -> None:
    found = [
        f"{page}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
        if not (ROOT / target).exists()
    ]
    assert not found


def test_every_module_says_what_it_is() -> None:
    assert not [name for name in code.product() if not ast.get_docstring(code.tree_of(name))]


def test_a_file_holds_one_idea_and_so_at_most_250_lines() -> None:
    long = [name for name in code.product() if len((ROOT / name).read_text().splitlines()) > 250]
    assert set(long) <= LONGER
