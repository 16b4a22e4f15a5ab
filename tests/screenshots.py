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
    page.wait_for_timeout(3000)  # charts and fonts settle
    page.screenshot(path=FOLDER / f"{tab.lower()}-{width}.png", full_page=True)


def steps(page: Page, width: int) -> None:
    """The four steps with the sample set, and the first one before anything was chosen."""
    page.wait_for_selector("#acr-steps button")
    if page.locator("#acr-anew").is_visible():
        page.click("#acr-anew")
    page.screenshot(path=FOLDER / f"fine-tune-{width}.png", full_page=True)
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
        page.wait_for_timeout(1000)
        page.screenshot(path=FOLDER / f"fine-tune-step-{number}-{width}.png", full_page=True)


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
