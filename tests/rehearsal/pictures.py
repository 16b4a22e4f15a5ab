"""`python -m tests.rehearsal.pictures`: what a visitor of a ZeroGPU sees: a refusal, a run that waits for its time."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from backends.settings import settings
from tests.chromium import system_browser
from tests.rehearsal.app import SIGNED_IN, App, running
from tests.rehearsal.device_api import Refusal
from tests.screenshots import ANSWER_MS, WIDTHS, picture

LITTLE_LEFT = Refusal(429, {"left": 3, "wait": 600}, {"X-Authenticated": "regular"})


def quota(page: Page, app: App, width: int) -> None:
    """A question for the GPU by somebody who has three seconds left."""
    app.device.answer = LITTLE_LEFT
    page.get_by_label("Answer on the GPU").check()
    page.click("#acr-ask")
    page.wait_for_selector("#acr-ask-instead", timeout=ANSWER_MS)
    picture(page, "zero-gpu-quota", width)


def slices(page: Page, width: int) -> None:
    """A fine-tune that learns in slices, before anybody gave it GPU time."""
    page.get_by_role("tab", name="Fine-tune").click()
    page.click("#acr-sample")
    page.wait_for_selector("#acr-start-plan .acr-card", timeout=ANSWER_MS)
    page.get_by_label("Learn on the GPU").check()
    page.click("#acr-train")
    page.click("#acr-follow", timeout=ANSWER_MS)
    page.wait_for_selector("#acr-gpu-give", timeout=ANSWER_MS)
    picture(page, "zero-gpu-slices", width)
    page.click("#acr-stop")


def opened(browser: Browser, app: App, width: int) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", extra_http_headers={"x-ip-token": SIGNED_IN}
    )
    page.goto(app.url)
    page.wait_for_selector("#acr-ask")
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        (data / "bases").symlink_to(settings().bases_dir.resolve())
        with running(Path(scratch), data, ACR_PRIVATE="1") as app, sync_playwright() as playwright:
            app.started()
            browser = playwright.chromium.launch(executable_path=system_browser(), args=["--no-sandbox"])
            for width in WIDTHS:
                page = opened(browser, app, width)
                quota(page, app, width)
                slices(page, width)
                page.close()
            browser.close()


if __name__ == "__main__":
    main()
