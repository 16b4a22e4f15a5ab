"""Fine-tune in a browser: the quickest path, a file with defects, keyboard only, leaving and coming back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opened
from tests.browser.served import ServedApp
from tests.browser.test_page import HOSTILE, SLOW, functions, open_tab, upload
from ui.fine_tune import state

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[ServedApp]:
    served = ServedApp(tmp_path_factory.mktemp("fine-tune"), prepared_bases)
    served.start()
    yield served
    served.close()


@pytest.fixture
def page(chromium: Browser, app: ServedApp) -> Iterator[Page]:
    """Fine-tune, with nothing left from before."""
    state.forget(app.settings, "local")
    with opened(chromium, app.url) as page:
        open_tab(page, "Fine-tune")
        expect(page.locator("#acr-sample")).to_be_visible()
        yield page


def rows_file(folder: Path) -> Path:
    """60 functions, of which one has no number and one stands twice; one more line is no JSON."""
    lines = [json.dumps(row) for row in functions(60)]
    lines[10] = '{"code": "function a() { return 1 }", "score": "high"}'
    lines[20] = "no json"
    path = folder / "mine.jsonl"
    path.write_text("\n".join([*lines, lines[2]]))
    return path


def at_step(page: Page, number: int) -> None:
    expect(page.locator("#acr-steps [aria-current=step]")).to_have_attribute("data-step", str(number), timeout=SLOW)


def test_the_sample_set_leads_straight_to_start_and_a_run(page: Page, app: ServedApp) -> None:
    page.click("#acr-sample")
    at_step(page, 4)
    expect(page.locator("#acr-step-title")).to_be_focused()
    expect(page.locator("#acr-summary")).to_contain_text("900 to train on, 100 held out")
    plan = page.locator("#acr-start-plan")
    expect(plan).to_contain_text("What it takes", timeout=SLOW)
    expect(plan).to_contain_text("GB")
    page.click("#acr-train")
    expect(page.locator("#acr-started")).to_contain_text("is accepted", timeout=SLOW)
    page.click("#acr-follow")
    expect(page.locator("#acr-run h3")).to_contain_text("complexity", timeout=SLOW)
    page.click("#acr-stop", timeout=SLOW)


def test_a_file_with_defects_is_put_right_looked_at_and_changed(page: Page, tmp_path: Path) -> None:
    upload(page, rows_file(tmp_path))
    expect(page.get_by_role("status").filter(has_text="mine.jsonl")).to_contain_text("line 11", timeout=SLOW)
    page.click("#acr-to-check")
    findings = page.locator("#acr-findings")
    expect(findings).to_contain_text("one thing stands in the way", timeout=SLOW)
    expect(page.locator("#acr-to-recipe")).to_be_disabled()
    page.click("#acr-mend")
    expect(findings).to_contain_text("58 rows examined: nothing stands in the way", timeout=SLOW)

    page.get_by_role("button", name="Look at the rows and change them").click()
    expect(page.locator("#acr-table tbody tr")).to_have_count(10, timeout=SLOW)
    page.get_by_role("button", name="Show row 2", exact=True).click()
    expect(page.locator("#acr-tokens mark").last).to_have_text("<eos>", timeout=SLOW)
    page.locator("#acr-answer-field textarea").fill("high")
    page.click("#acr-row-save")
    expect(page.get_by_role("status").filter(has_text="row 2, column score")).to_be_visible(timeout=SLOW)
    page.locator("#acr-answer-field textarea").fill("9.5")
    page.click("#acr-row-save")
    expect(page.locator("#acr-table tbody tr").nth(1)).to_contain_text("9.5", timeout=SLOW)
    expect(page.locator("#acr-undo")).to_have_text("Undo: row 2 relabelled", timeout=SLOW)
    page.click("#acr-undo")
    expect(page.locator("#acr-table tbody tr").nth(1)).not_to_contain_text("9.5", timeout=SLOW)
    expect(page.locator("#acr-undo")).to_have_text("Undo: put right by the check")


def test_what_was_left_is_found_again(page: Page, chromium: Browser, app: ServedApp, tmp_path: Path) -> None:
    path = tmp_path / "left.jsonl"
    path.write_text("\n".join(map(json.dumps, functions(40))))
    upload(page, path)
    expect(page.locator("#acr-read")).to_contain_text("Read 40 rows", timeout=SLOW)
    page.click("#acr-to-check")
    page.locator("#acr-to-recipe:enabled").click(timeout=SLOW)
    expect(page.locator("#acr-plan .acr-card")).to_be_visible(timeout=SLOW)
    page.get_by_label("Thorough").check()
    expect(page.locator("#acr-plan")).to_contain_text("108 steps", timeout=SLOW)
    path.unlink()
    with opened(chromium, app.url) as later:
        open_tab(later, "Fine-tune")
        at_step(later, 3)
        expect(later.get_by_label("Thorough")).to_be_checked()
        expect(later.locator("#acr-plan")).to_contain_text("108 steps")
        later.click("#acr-anew")
        at_step(later, 1)
        expect(later.locator("#acr-read")).to_contain_text("Your rows appear here")


def test_the_keyboard_alone_leads_through_the_steps(page: Page) -> None:
    page.locator("#acr-sample").focus()
    page.keyboard.press("Enter")
    at_step(page, 4)
    for number in (1, 2, 3):
        page.locator("#acr-steps button").nth(number - 1).focus()
        page.keyboard.press("Enter")
        at_step(page, number)
        expect(page.locator("#acr-step-title")).to_be_focused(timeout=SLOW)
        expect(page.get_by_role("heading", name=f"Step {number} of 4")).to_be_visible()


def test_settings_that_contradict_are_refused_with_both_names(page: Page) -> None:
    page.click("#acr-sample")
    at_step(page, 4)
    page.click("#acr-back")
    at_step(page, 3)
    page.get_by_role("button", name="Every setting").click()
    page.get_by_label("use_dora").check()
    page.locator("#acr-knob-quantization input").click()
    page.get_by_role("option", name="int8").click()
    expect(page.locator("#acr-plan")).to_contain_text("The settings changed", timeout=SLOW)
    page.click("#acr-to-start")
    message = page.get_by_role("status").filter(has_text="do not go together")
    expect(message).to_contain_text("use_dora and quantization", timeout=SLOW)
    at_step(page, 3)


def test_pasted_text_with_other_columns_is_read_and_stays_text(page: Page) -> None:
    page.get_by_label("Pasted text").check()
    rows = [{"snippet": f"function f{i}() {{ {HOSTILE} }}", HOSTILE: 3.0, "new": 1.0 + i % 7} for i in range(20)]
    page.locator("#acr-pasted textarea").fill("\n".join(map(json.dumps, rows)))
    page.click("#acr-use-text")
    expect(page.get_by_role("status").filter(has_text="pasted.jsonl")).to_contain_text(
        "needed: code, score", timeout=SLOW
    )
    page.get_by_role("button", name="What each column is").click()
    for column, role in (("snippet", "code"), ("new", "score")):
        page.get_by_label(f"Column {column}").click()
        page.get_by_role("option", name=role, exact=True).click()
        expect(page.get_by_label(f"Column {column}")).to_have_value(role, timeout=SLOW)
    expect(page.locator("#acr-read")).to_contain_text("Read 20 rows", timeout=SLOW)
    expect(page.locator("#acr-read table")).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [1280, 390])
def test_no_step_is_wider_than_the_screen_and_every_control_has_a_name(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.click("#acr-sample")
    at_step(page, 4)
    for number in (4, 3, 2, 1):
        page.locator("#acr-steps button").nth(number - 1).click()
        at_step(page, number)
        folds = page.locator("#acr-tabs [role=tabpanel] .label-wrap:not(.open):visible")
        while folds.count():
            folds.first.click()
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, number
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, textarea, select, button, progress')]
            .filter(e => e.offsetParent && !e.labels?.length && !e.innerText?.trim() && !e.title
              && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')).map(e => e.outerHTML)"""
        )
        assert nameless == [], number
        assert page.locator("button.primary:visible").count() <= 1, number
