"""The Runs tab in a browser, over 2,000 older runs: a run outlives page and app, failures are mended, runs compared."""

import json
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from backends.adapters import COPIED
from finetune import task_named
from finetune.recipes.recipe import Recipe
from finetune.runs import client, submit
from finetune.runs.run_folder import RunFolder
from finetune.runs.store import Store
from tests.browser.conftest import opened
from tests.browser.served import ServedApp
from tests.browser.test_page import SLOW, functions, open_tab
from tests.parts.control_room import job_for, many_ended
from ui.room import PAGE

pytestmark = [pytest.mark.browser, pytest.mark.model]

PATIENCE = 400.0
#: the steps of a line that plotly has drawn
DRAWN = "name => [...document.querySelector('#acr-loss .js-plotly-plot')._fullData.find(t => t.name === name).x]"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, prepared_bases: Path) -> Iterator[ServedApp]:
    served = ServedApp(tmp_path_factory.mktemp("runs"), prepared_bases)
    many_ended(served.settings, 2_000)
    served.start()
    yield served
    served.close()


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def rows_file(folder: Path) -> Path:
    rows = folder / "mine.jsonl"
    rows.write_text("\n".join(map(json.dumps, functions(36))))
    return rows


def echoed(app: ServedApp, folder: Path, name: str, **options: Any) -> str:
    """A run without a model: its numbers come from a formula."""
    return client.submit(app.settings, job_for(name, **options), {"train.jsonl": rows_file(folder)})


def test_a_run_outlives_the_page_and_the_app_and_its_curve_has_no_hole(
    chromium: Browser, app: ServedApp, tmp_path: Path
) -> None:
    recipe = Recipe(max_steps=12, eval_steps=4)
    run = submit.training(app.settings, task_named("complexity"), rows_file(tmp_path), recipe)
    with opened(chromium, f"{app.url}/?run={run}") as page:
        expect(page.locator("#acr-run h3")).to_be_visible(timeout=SLOW)
    folder = RunFolder(app.settings.runs_dir / run)
    until(lambda: len(folder.metrics()) >= 3)
    app.kill()
    seen = len(folder.metrics())
    until(lambda: len(folder.metrics()) > seen or folder.exit)
    app.start()
    with opened(chromium, f"{app.url}/?run={run}") as page:
        expect(page.locator("#acr-run h3")).to_contain_text("finished", timeout=SLOW)
        steps = client.run(app.settings, run).steps
        assert steps and steps >= 6
        page.wait_for_function(f"() => ({DRAWN})('train loss').length === {steps}")
        assert page.evaluate(DRAWN, "train loss") == list(range(1, steps + 1))
        with page.expect_download() as taken:
            page.click("#acr-take")
        with zipfile.ZipFile(taken.value.path()) as archive:
            assert {Path(name).name for name in archive.namelist()} == set(COPIED)


def test_a_run_that_the_system_killed_says_why_and_its_button_starts_it_with_half_the_batch(
    chromium: Browser, app: ServedApp, tmp_path: Path
) -> None:
    run = submit.training(app.settings, task_named("complexity"), rows_file(tmp_path), Recipe(max_steps=30))
    store = Store(app.settings.store_path)
    until(lambda: (row := store.get(run)) and row.process)
    os.kill(store.get(run).process.pid, signal.SIGKILL)  # type: ignore[union-attr]
    client.wait(app.settings, run)
    with opened(chromium, f"{app.url}/?run={run}") as page:
        expect(page.locator("#acr-run .acr-bad strong")).to_contain_text("memory ran out", timeout=SLOW)
        page.get_by_role("button", name="Start again with half the batch").click()
        expect(page).not_to_have_url(re.compile(run), timeout=SLOW)
        again = page.url.rpartition("run=")[2][:32]
        recipe = RunFolder(app.settings.runs_dir / again).job["recipe"]
        assert (recipe["per_device_train_batch_size"], recipe["gradient_accumulation_steps"]) == (2, 4)
        page.click("#acr-stop")
        expect(page.locator("#acr-run h3")).to_contain_text("stopped", timeout=SLOW)


def test_two_runs_are_drawn_in_one_chart_and_the_best_is_named(
    chromium: Browser, app: ServedApp, tmp_path: Path
) -> None:
    runs = [echoed(app, tmp_path, name, steps=steps) for name, steps in (("short", 10), ("long", 40))]
    for run in runs:
        client.wait(app.settings, run)
    with opened(chromium, f"{app.url}/?run={runs[0]}") as page:
        expect(page.locator("#acr-run h3")).to_contain_text("short", timeout=SLOW)
        page.get_by_role("button", name="Several runs in one chart").click()
        said = page.locator("#acr-overlay-said")
        expect(said).to_contain_text(f"at step 40 of long ({runs[1][:4]})", timeout=SLOW)
        legend = page.locator("#acr-overlay-plot .legendtext")
        expect(legend).to_have_text([f"short ({runs[0][:4]})", f"long ({runs[1][:4]})"], timeout=SLOW)
        page.get_by_label("Train loss, raw").check()
        expect(page.locator("#acr-overlay-plot .ytitle")).to_have_text("Train loss", timeout=SLOW)


def test_two_thousand_runs_are_listed_page_by_page(chromium: Browser, app: ServedApp) -> None:
    with opened(chromium, app.url) as page:
        open_tab(page, "Runs")
        expect(page.locator(".acr-run")).to_have_count(PAGE, timeout=SLOW)
        first = page.locator(".acr-run b").first.inner_text()
        page.click("#acr-older")
        expect(page.locator(".acr-run b").first).not_to_have_text(first, timeout=SLOW)
        page.click("#acr-newer")
        expect(page.locator(".acr-run b").first).to_have_text(first, timeout=SLOW)


def test_whoever_asked_is_told_when_the_run_ends(chromium: Browser, app: ServedApp, tmp_path: Path) -> None:
    run = echoed(app, tmp_path, "told", steps=100_000, delay=0.1)
    with opened(chromium, f"{app.url}/?run={run}", permissions=["notifications"]) as page:
        page.click("#acr-tell", timeout=SLOW)
        expect(page.locator("#acr-tell")).to_have_text("You will be told when it ends", timeout=SLOW)
        client.cancel(app.settings, run, "local")
        expect(page).to_have_title("■ told stopped", timeout=SLOW)
        page.get_by_role("button", name="Delete it").click()
        page.click("#acr-delete")
        expect(page.locator("#acr-run")).to_contain_text("Choose a run", timeout=SLOW)
        expect(page).not_to_have_url(re.compile("run="))
