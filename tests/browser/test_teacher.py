"""Rows without a label in a browser: a teacher at a loopback server labels them, its doubts are looked at first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from finetune.rows import data
from tests.browser.conftest import opened
from tests.browser.served import ServedApp
from tests.browser.test_chat import choose
from tests.browser.test_fine_tune import at_step
from tests.browser.test_page import SLOW, open_tab, upload
from tests.parts.openai_peer import KEY, MODEL, peer
from tests.rows.test_teacher import ROWS, by_row, teaching

pytestmark = [pytest.mark.browser, pytest.mark.model]


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[ServedApp]:
    with peer(teaching(by_row)) as server:
        known = {"ACR_OPENAI_URL": server.url, "ACR_OPENAI_KEY": KEY, "ACR_OPENAI_PRICES": "1,10"}
        served = ServedApp(tmp_path_factory.mktemp("teacher"), prepared_bases, **known)
        served.start()
        yield served
        served.close()


@pytest.fixture
def page(chromium: Browser, app: ServedApp) -> Iterator[Page]:
    with opened(chromium, app.url) as page:
        open_tab(page, "Fine-tune")
        yield page


def label(page: Page, folder: Path) -> None:
    """A file without labels, checked, and labelled by the teacher."""
    choose(page, "Task", "Memory observer")
    data.write_rows(folder / "talks.jsonl", ROWS)
    upload(page, folder / "talks.jsonl")
    page.click("#acr-to-check")
    at_step(page, 2)
    expect(page.locator("#acr-teacher-said")).to_contain_text("6 rows without a label", timeout=SLOW)
    page.locator("#acr-teacher-model input, #acr-teacher-model textarea").first.fill(MODEL)
    page.click("#acr-teacher")


def test_a_teacher_labels_and_its_doubts_are_looked_at_first(page: Page, tmp_path: Path) -> None:
    label(page, tmp_path)
    said = page.locator("#acr-teacher-said")
    expect(said).to_contain_text("5 labelled, 1 failed", timeout=SLOW)
    expect(said).to_contain_text("$0.0036")
    expect(said).to_contain_text("1 row without a label", timeout=SLOW)
    page.get_by_role("button", name="Look at the rows and change them").click()
    choose(page, "Which rows", "Labelled by the teacher, least sure first")
    first = page.locator("#acr-table tbody tr").first
    expect(first).to_contain_text("town number 4", timeout=SLOW)
    expect(first).to_contain_text("2 of 3 agree")
    expect(page.locator("#acr-undo")).to_contain_text(f"5 rows labelled by {MODEL}")
