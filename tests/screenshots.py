"""`python -m tests.screenshots URL`: pictures of every tab of a running page, wide and narrow, for the README."""

import sys

from playwright.sync_api import Page, sync_playwright

from backends.settings import ROOT
from tests.chromium import system_browser

FOLDER = ROOT / "examples" / "screenshots"
TABS = ("Ask", "Compare", "Fine-tune", "Runs", "Adapters", "Monitor")
WIDTHS = (1280, 390)
ANSWER_MS = 120_000


def shoot(page: Page, tab: str, width: int) -> None:
    page.get_by_role("tab", name=tab).click()
    if tab == "Ask":
        page.click("#acr-ask")
        page.wait_for_selector("#acr-answer .acr-receipt", timeout=ANSWER_MS)
    if tab == "Runs":
        page.wait_for_selector(".acr-run")
        page.locator(".acr-run").last.click()
    if tab == "Fine-tune":
        steps(page, width)
        return
    page.wait_for_timeout(2000)  # charts and fonts settle
    picture(page, tab.lower(), width)
    if tab == "Ask":
        chain(page, width)
    if tab == "Compare":
        views(page, width)


def picture(page: Page, name: str, width: int) -> None:
    page.wait_for_timeout(1000)
    page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page=True)


def chain(page: Page, width: int) -> None:
    """A query that the router sends to three agents."""
    page.get_by_label("Task").first.click()
    page.get_by_role("option", name="Router", exact=True).click()
    page.locator("#acr-router-query-full textarea").fill(
        "Find out who invented the telescope, then calculate 348 + 921, then write a function that reverses a list."
    )
    page.get_by_label("Route first, then answer each step").check()
    page.click("#acr-ask")
    page.wait_for_function("document.querySelectorAll('#acr-answer .acr-receipt').length >= 4", timeout=ANSWER_MS)
    picture(page, "ask-chain", width)


def views(page: Page, width: int) -> None:
    """What is folded on Compare: panes that answer together, a blind vote, what was forgotten."""
    fold = page.get_by_role("button", name="Side by side on one input")
    fold.click()
    page.click("#acr-both")
    page.wait_for_selector("#acr-pair section:nth-of-type(2) .acr-receipt", timeout=ANSWER_MS)
    picture(page, "compare-panes", width)
    fold.click()
    fold = page.get_by_role("button", name="Vote blind on these answers")
    fold.click()
    page.click("#acr-vote-start")
    page.wait_for_selector("#acr-vote section", timeout=ANSWER_MS)
    picture(page, "compare-vote", width)
    fold.click()
    page.get_by_role("button", name="What did it forget?").click()
    picture(page, "compare-forgot", width)


def steps(page: Page, width: int) -> None:
    """The four steps with the sample set, and the first one before anything was chosen."""
    page.wait_for_selector("#acr-steps button")
    if page.locator("#acr-anew").is_visible():
        page.click("#acr-anew")
    picture(page, "fine-tune", width)
    page.click("#acr-sample")
    page.wait_for_selector("#acr-start-plan .acr-card", timeout=ANSWER_MS)
    for number, shows in (
        (4, "#acr-summary"),
        (3, "#acr-plan .acr-card"),
        (2, "#acr-findings .acr-note"),
        (1, "#acr-read"),
    ):
        page.locator("#acr-steps button").nth(number - 1).click()
        page.wait_for_selector(shows, timeout=ANSWER_MS)
        picture(page, f"fine-tune-step-{number}", width)


def main(url: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_browser(), args=["--no-sandbox"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
            page.goto(url)
            page.wait_for_selector("#acr-ask")
            for tab in TABS:
                shoot(page, tab, width)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
