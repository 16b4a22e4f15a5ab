"""`python app.py` on a port and a data folder that stay the same when it is killed and started again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from backends.settings import ROOT, Settings
from finetune.runs import client
from tests.parts.ports import free_port

START_SECONDS = 240


class ServedApp:
    def __init__(self, data: Path, bases: Path, **environment: str) -> None:
        (data / "bases").symlink_to(bases)
        self.settings = Settings(data_dir=data)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("SPACE", "ACR_"))}
        self.env |= {"ACR_DATA_DIR": str(data), "GRADIO_SERVER_PORT": str(port), "ACR_LINGER": "2"} | environment

    def start(self) -> None:
        log = self.settings.data_dir / "app.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=self.env, stdout=out, stderr=out)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                httpx.get(self.url, timeout=5).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError(f"the page is not served: {log.read_text()[-2000:]}")

    def kill(self) -> None:
        """As the kernel does it: no word, no tidying."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.process.terminate()  # not SIGINT, which who starts tests in the background may have switched off
        self.process.wait(120)
        self._stop_runs()

    def _stop_runs(self) -> None:
        """A test that failed may have left a run behind; it would train on for minutes."""
        for view in client.runs(self.settings):
            if not view.ended:
                client.cancel(self.settings, view.run, "local")
                client.wait(self.settings, view.run)
