"""The served page with a data folder of its own, and Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.served import ServedApp
from tests.chromium import system_browser
from ui.fine_tune import state

#: ms; a page that is late is not a page that is wrong, and two cores may be busy with training
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[ServedApp]:
    app = ServedApp(tmp_path_factory.mktemp("page"), prepared_bases)
    app.start()
    try:
        yield app
    finally:
        app.close()


@pytest.fixture
def page_url(shared_app: ServedApp) -> str:
    """Its address, with nothing on Fine-tune left from before."""
    state.forget(shared_app.settings, "local")
    return shared_app.url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_browser(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page in a browser of its own; a fault in its scripts fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", **options)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_selector("#acr-tabs")
    yield page
    context.close()
    assert not faults


@pytest.fixture
def page(chromium: Browser, page_url: str) -> Iterator[Page]:
    with opened(chromium, page_url) as page:
        page.wait_for_selector("#acr-ask")
        yield page
