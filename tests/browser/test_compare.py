"""The Compare tab in a browser: a blind vote by keyboard on the shipped report, and panes side by side."""

import pytest
from playwright.sync_api import Page, expect

from backends.files import read_json_lines
from finetune.compare.votes.ballots import ENOUGH
from tests.browser.test_page import SLOW, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.model]


def open_vote(page: Page, name: str, number: int = 1) -> None:
    open_tab(page, "Compare")
    expect(page.locator("#acr-verdict")).to_contain_text("intervals", timeout=SLOW)  # the page has settled
    page.get_by_role("button", name="Vote blind on these answers").click()
    expect(page.get_by_label("Your name")).to_have_value("local")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your name")).to_have_value(name)  # a page that just opened may fill it in once more
    page.click("#acr-vote-start")
    expect(page.locator("#acr-vote .acr-progress")).to_contain_text(f"Vote {number} of", timeout=SLOW)


def test_a_blind_vote_by_keyboard_with_undo_result_and_pairs_to_take_away(page: Page) -> None:
    open_vote(page, "ann")
    asked = page.locator("#acr-vote")
    first = asked.inner_text()
    expect(asked.get_by_role("heading", name="Left")).to_be_visible()
    expect(asked.get_by_role("heading", name="Right")).to_be_visible()
    expect(page.locator("#acr-vote-undo")).to_be_hidden()

    page.locator("#acr-vote-left").focus()
    page.keyboard.press("Enter")
    expect(asked).to_contain_text("Vote 2 of", timeout=SLOW)
    page.click("#acr-vote-undo")
    expect(asked).to_contain_text("Vote 1 of", timeout=SLOW)
    assert asked.inner_text() == first, "the same pair on the same sides"

    page.get_by_label("Why?").fill("closer to what I would say")
    page.get_by_label("sure", exact=True).check()
    page.locator("#acr-vote-left").focus()
    for number in range(ENOUGH):
        expect(page.locator("#acr-vote-result")).not_to_contain_text("You preferred")
        page.keyboard.press("Enter")
        if number % 2 == 0:
            page.keyboard.press("Tab")  # on to "Right is better"
        else:
            page.keyboard.press("Shift+Tab")
        expect(asked).to_contain_text(f"Vote {number + 2} of", timeout=SLOW)
    result = page.locator("#acr-vote-result")
    expect(result).to_contain_text("You preferred", timeout=SLOW)
    expect(result).to_contain_text("95 % interval")
    with page.expect_download(timeout=SLOW) as download:
        page.click("#acr-vote-pairs")
    pairs = read_json_lines(download.value.path())
    assert pairs and all(set(pair) == {"prompt", "chosen", "rejected"} for pair in pairs)

    page.reload()
    open_vote(page, "ann", number=ENOUGH + 1)


def test_the_page_of_a_voter_holds_nothing_that_says_who_is_who(page: Page) -> None:
    open_vote(page, "bob")
    sides = page.locator("#acr-vote section")
    expect(sides).to_have_count(2)
    for name in ("adapter", "base", "Gemma", "llama", "Answered by"):
        assert name not in sides.nth(0).inner_html() + sides.nth(1).inner_html(), name
    states = page.evaluate("window.gradio_config.components.filter(c => c.type === 'state').map(c => c.props.value)")
    assert states and not any(states), "what a gr.State holds stays on the server"


def side_by_side(page: Page) -> None:
    open_tab(page, "Compare")
    page.get_by_role("button", name="Side by side on one input").click()


def test_two_panes_answer_together_each_with_its_receipt(page: Page) -> None:
    side_by_side(page)
    page.click("#acr-both")
    panes = page.locator("#acr-pair section")
    expect(panes).to_have_count(2, timeout=SLOW)
    expect(panes.nth(0)).to_contain_text("Answered by adapter complexity", timeout=SLOW)
    expect(panes.nth(1)).to_contain_text("Answered by the base alone", timeout=SLOW)
    for number in (0, 1):
        expect(panes.nth(number)).to_contain_text("Tokens a second")
    expect(page.locator("#acr-pane-votes")).to_be_hidden()


def test_names_stay_hidden_until_the_vote(page: Page) -> None:
    side_by_side(page)
    page.get_by_label("Hide the names until I vote").check()
    page.click("#acr-both")
    panes = page.locator("#acr-pair section")
    expect(panes).to_have_count(2, timeout=SLOW)
    best = page.get_by_role("button", name="Answer 1 is best")
    expect(best).to_be_visible(timeout=SLOW)
    assert "Answered by" not in page.locator("#acr-pair").inner_text()
    expect(page.get_by_role("button", name="Answer 3 is best")).to_be_hidden()
    best.click()
    expect(page.locator("#acr-pair")).to_contain_text("Answered by adapter complexity", timeout=SLOW)
    expect(page.get_by_role("status").filter(has_text="Kept. You preferred")).to_be_visible()
    expect(best).to_be_hidden()
