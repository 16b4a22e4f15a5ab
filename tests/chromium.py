"""The browser of the browser tests: the system's Chromium, or one that `python -m tests.chromium` gets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def system_browser() -> str | None:
    """Path of an installed browser, or None: then Playwright's own is used."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def playwright_browser() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).exists()


def get() -> int:
    """Install a browser where none is: Debian's when this is root on Debian, else Playwright's own."""
    if system_browser() or playwright_browser():
        return 0
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        return subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], env=quiet).returncode
    return subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode


if __name__ == "__main__":
    sys.exit(get())
