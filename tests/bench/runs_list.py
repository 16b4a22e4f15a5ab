"""2,000 finished runs: seconds until the list is on the screen, and what page and control cost while nothing runs."""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from backends import process
from backends.settings import Settings
from finetune import control
from finetune.runs import client
from tests.browser.served import ServedApp
from tests.chromium import system_browser
from tests.parts.control_room import ControlRoom, many_ended

RUNS, TIMES, IDLE_SECONDS = 2_000, 5, 30.0
#: the other tabs have read what they show first
SETTLED_MS = 5_000


def opened(page: Page, url: str) -> float:
    """Seconds from the click on Runs to the first entry of the list."""
    page.goto(url)
    page.wait_for_selector("#acr-tabs [role=tab]")
    page.wait_for_selector("#acr-head .acr-good", timeout=600_000)  # the engine is ready: the header is silent now
    page.wait_for_timeout(SETTLED_MS)
    began = time.perf_counter()
    page.get_by_role("tab", name="Runs").click()
    page.wait_for_selector(".acr-run")
    return time.perf_counter() - began


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, in its own code and in the kernel."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def idle_percent(pids: dict[str, int]) -> dict[str, float]:
    """Percent of a core by process, with the list open in the browser."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    return {name: 100 * (cpu_seconds(pid) - before[name]) / IDLE_SECONDS for name, pid in pids.items()}


def measure(settings: Settings) -> str:
    settings.bases_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = ServedApp(Path(folder), settings.bases_dir)
        app.settings = replace(app.settings, linger=10 * IDLE_SECONDS)
        many_ended(app.settings, RUNS)
        app.start()
        try:
            return _measured(app)
        finally:
            app.close()
            ControlRoom(app.settings).close()


def _measured(app: ServedApp) -> str:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_browser(), args=["--no-sandbox"])
        page = browser.new_page()
        seconds = sorted(opened(page, app.url) for _ in range(TIMES))
        client.start_control(app.settings)
        who = control.elected(app.settings)
        assert who, "no control process is at work"
        served = {app.process.pid: "the page", who.pid: "control"}
        everybody = process.marked(f"ACR_DATA_DIR={app.settings.data_dir}")
        shares = idle_percent({served.get(pid, "the engine"): pid for pid in everybody})
        browser.close()
    costs = ", ".join(f"{name} {share:.2f} %" for name, share in shares.items())
    return (
        f"{RUNS:,} finished runs: the list is on the screen {median(seconds):.2f} s after the click (the slowest of "
        f"{TIMES}: {seconds[-1]:.2f} s). While nothing runs, with the list open: {costs} of a core. Control ends "
        "by itself a minute after the last run."
    )
