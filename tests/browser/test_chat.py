"""A conversation about a text on Ask: follow-up questions, what was said before, a clean start."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import HOSTILE, SLOW

pytestmark = [pytest.mark.browser, pytest.mark.model]


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label).filter(visible=True).first.click()
    page.get_by_role("option", name=option).click()


def ask(page: Page, question: str) -> None:
    page.locator("#acr-environment-instruction-full textarea").fill(question)
    page.click("#acr-ask")


def test_questions_are_asked_on_about_a_text_until_it_changes_or_is_cleared(page: Page) -> None:
    expect(page.locator("#acr-conversation")).to_be_hidden()
    choose(page, "Task", "Environment question")
    # Gradio's list fails when its choices change while it is open, so they must be this task's first
    expect(page.get_by_label("Who answers").first).not_to_have_value("adapter complexity", timeout=SLOW)
    choose(page, "Who answers", "the base alone")
    turns = page.locator("#acr-conversation .acr-turns li")
    expect(page.locator("#acr-conversation")).to_contain_text("Your conversation appears here", timeout=SLOW)

    ask(page, "How much smoke did the filter hold back?")
    expect(turns).to_have_count(1, timeout=SLOW)
    expect(page.locator("#acr-answer blockquote")).to_be_visible()
    ask(page, f"What did it cost? {HOSTILE}")
    expect(turns).to_have_count(2, timeout=SLOW)
    expect(turns.last).to_contain_text("What did it cost?")
    expect(turns.last).to_contain_text("by the base alone")
    assert page.evaluate("window.hacked") is None
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})

    page.locator("#acr-environment-input-full textarea").fill("Ashby Park has 3 ponds. No fish lives in them.")
    ask(page, "How many ponds are there?")
    expect(turns.first).to_contain_text("How many ponds", timeout=SLOW)
    expect(turns).to_have_count(1)
    page.click("#acr-conversation-clear")
    expect(turns).to_have_count(0, timeout=SLOW)
    expect(page.locator("#acr-conversation-clear")).to_be_disabled()

    choose(page, "Task", "Memory observer")
    expect(page.locator("#acr-conversation")).to_be_hidden(timeout=SLOW)
