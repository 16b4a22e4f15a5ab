"""What a visitor does: asks, trains, follows, compares; and what must never happen to him."""

import csv
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from finetune.outputs.complexity_label import score

pytestmark = [pytest.mark.browser, pytest.mark.model]

SLOW = 400_000  # ms; for what trains or answers on two busy cores
TABS = ("Ask", "Compare", "Fine-tune", "Runs", "Adapters", "Monitor")
HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=2</script>${window.hacked=3}{{this}}"


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def choose_by_keyboard(page: Page, label: str, name: str) -> None:
    """Down through the open list until the wanted option is the marked one, then Enter.

    Where the mark begins is the list's own affair, and it moves when a page that just opened brings its choices up to
    date: so the mark is looked at before each key.
    """
    box, option = page.get_by_label(label), page.get_by_role("option", name=name)
    box.focus()
    page.keyboard.press("ArrowDown")
    option.wait_for()
    for _ in range(50):
        if "active" in str(option.get_attribute("class")).split():
            break
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(50)
    page.keyboard.press("Enter")
    expect(box).to_have_value(name)


def functions(count: int) -> list[dict]:
    """Short functions of growing size, so that a fine-tune of a few seconds has something to see."""
    body = "if (a > {i}) {{ a = a - {i}; }} "
    codes = [
        f"function f{i}(a) {{ {''.join(body.format(i=j) for j in range(i % 9))}return a + {i}; }}" for i in range(count)
    ]
    return [{"code": code, "score": score(code)} for code in codes]


def upload(page: Page, path: Path) -> None:
    open_tab(page, "Fine-tune")
    page.get_by_label("My own file").check()
    page.locator("input[type=file]").set_input_files(path)


def to_recipe(page: Page) -> None:
    """From rows that were read on to step 3, through the check."""
    page.click("#acr-to-check")
    expect(page.locator("#acr-findings")).to_contain_text("nothing stands in the way", timeout=SLOW)
    page.click("#acr-to-recipe")
    expect(page.locator("#acr-plan .acr-card")).to_be_visible(timeout=SLOW)


def start(page: Page) -> None:
    """From step 3 to the run in Runs."""
    page.click("#acr-to-start")
    page.click("#acr-train")
    page.click("#acr-follow", timeout=SLOW)


def test_the_first_answer_comes_without_any_choice(page: Page) -> None:
    page.click("#acr-ask")
    expect(page.locator("#acr-answer .acr-receipt")).to_contain_text("Answered by", timeout=SLOW)
    expect(page.locator("#acr-answer svg[role=img]")).to_be_visible()
    expect(page.locator("#acr-answer details pre")).to_be_hidden()
    page.get_by_text("Raw answer").click()
    expect(page.locator("#acr-answer details pre")).to_be_visible()


def test_the_keyboard_alone_is_enough_to_ask_the_base(page: Page) -> None:
    choose_by_keyboard(page, "Who answers", "the base alone")
    page.locator("#acr-ask").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#acr-answer .acr-receipt")).to_contain_text("the base alone", timeout=SLOW)


def test_a_fine_tune_is_started_followed_stopped_and_compared(page: Page, tmp_path: Path) -> None:
    rows = tmp_path / "mine.jsonl"
    rows.write_text("\n".join(map(json.dumps, functions(60))))
    upload(page, rows)
    expect(page.locator("#acr-read")).to_contain_text("Read 60 rows from mine.jsonl", timeout=SLOW)
    to_recipe(page)
    page.get_by_label("Quick look").check()
    expect(page.locator("#acr-plan")).to_contain_text("42 steps", timeout=SLOW)
    start(page)
    expect(page.locator("#acr-run")).to_contain_text("before training", timeout=SLOW)
    expect(page.locator("#acr-loss .js-plotly-plot .scatterlayer .trace").first).to_be_attached(timeout=SLOW)
    expect(page).to_have_url(re.compile("run=[0-9a-f]{32}"))
    # the sentence names a best step only when an eval after the first has been drawn
    expect(page.locator("#acr-run .acr-lead")).to_contain_text("Eval loss fell from", timeout=SLOW)

    if page.locator("#acr-stop").is_visible():
        page.click("#acr-stop")
    page.locator("#acr-next").wait_for(timeout=SLOW)
    page.get_by_role("button", name="The curve as a table").click()
    expect(page.get_by_role("table", name="Losses by step")).to_be_visible()

    page.click("#acr-next")
    page.get_by_label("number input for Held-out rows").fill("10")
    page.keyboard.press("Tab")
    page.click("#acr-compare")
    expect(page.locator("#acr-compare-progress progress")).to_be_visible(timeout=SLOW)
    expect(page.locator("#acr-verdict .acr-verdicts")).to_be_visible(timeout=SLOW)
    expect(page.locator("#acr-verdict")).to_contain_text("10 held-out rows")
    expect(page.locator("#acr-verdict table")).to_contain_text("base, no examples")
    expect(page.locator("#acr-rows tbody tr")).to_have_count(10)


def test_a_file_with_wrong_columns_is_refused_in_one_sentence(page: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    with wrong.open("w", newline="") as file:
        csv.writer(file).writerows([["question", "answer"], ["1 + 1", "2"]])
    upload(page, wrong)
    message = page.get_by_role("status").filter(has_text="wrong.csv")
    expect(message).to_contain_text("needed: code, score")
    page.click("#acr-to-check")
    expect(page.locator("#acr-findings")).to_contain_text("needed: code, score", timeout=SLOW)
    expect(page.locator("#acr-to-recipe")).to_be_disabled()
    expect(page.locator("#acr-train")).to_be_hidden()


def test_text_from_a_file_stays_text(page: Page, tmp_path: Path) -> None:
    rows = tmp_path / "hostile.jsonl"
    hostile = [{"code": f"function f{i}() {{ return `{HOSTILE}` }}", "score": 2.0} for i in range(12)]
    rows.write_text("\n".join(map(json.dumps, hostile)))
    upload(page, rows)
    expect(page.locator("#acr-read table")).to_contain_text("<img src=x onerror='window.hacked=1'>")
    expect(page.locator("#acr-read table")).to_contain_text("${window.hacked=3}{{this}}")
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_tab_is_wider_than_the_screen_and_every_control_has_a_name(
    page: Page, page_url: str, width: int, theme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{page_url}/?__theme={theme}")
    for name in TABS:
        open_tab(page, name)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button, progress')]
            .filter(e => e.offsetParent && !e.labels?.length && !e.innerText?.trim() && !e.title
              && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""
        )
        assert nameless == [], name


def test_a_run_that_does_not_exist_is_said_on_the_runs_tab(page: Page, page_url: str) -> None:
    page.goto(f"{page_url}/?run=nothing-like-this")
    expect(page.get_by_role("status").filter(has_text="There is no run")).to_be_visible(timeout=SLOW)


def test_the_page_is_for_this_machine_and_tells_nothing_about_it(page_url: str) -> None:
    foreign = httpx.get(page_url, headers={"host": "evil.example"})
    assert foreign.status_code == 400
    own = httpx.get(page_url)
    assert own.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in own.headers["content-security-policy"]
    assert httpx.get(f"{page_url}/monitoring/summary").status_code != 200
    assert "Traceback" not in httpx.post(f"{page_url}/gradio_api/queue/join", json={"fn_index": "x"}).text
