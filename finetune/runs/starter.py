"""Control started by whoever needs it: page, CLI, or a look at a run that has not ended."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread

from backends import process
from backends.errors import Unavailable
from backends.settings import ROOT, Settings
from finetune import control

START_SECONDS = 10.0


def start_control(settings: Settings) -> None:
    """Start the control process unless one is at work. Several at once are harmless: one is elected."""
    if control.elected(settings):
        return
    try:
        child = _spawn(settings)
    except OSError as error:
        raise Unavailable(f"The control process could not be started: {error.strerror}") from error
    Thread(target=child.wait, daemon=True).start()  # no zombie in an app that lives for weeks
    deadline = time.monotonic() + START_SECONDS
    while control.elected(settings) is None and time.monotonic() < deadline:
        if child.poll():
            raise Unavailable(f"The control process did not start; {control.log_path(settings)} says why")
        time.sleep(0.02)


def machine_goes_away(settings: Settings) -> None:
    """Tell control that this Space is being stopped, so that runs save what they learned. Elsewhere runs go on."""
    if settings.space_id and (who := control.elected(settings)):
        with suppress(ProcessLookupError):
            os.kill(who.pid, signal.SIGTERM)
        deadline = time.monotonic() + settings.grace + control.WIND_DOWN_SECONDS
        while process.alive(who) and time.monotonic() < deadline:
            time.sleep(settings.tick / 2)


def _spawn(settings: Settings) -> subprocess.Popen[bytes]:
    """With our environment, but not as a part of a run, and not as a ZeroGPU app."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    kept_out = ("SPACES_", "ACR_RUN", "ACR_METRICS_TOKEN")
    env = {key: value for key, value in os.environ.items() if not key.startswith(kept_out)}
    with control.log_path(settings).open("ab") as output:
        argv = [sys.executable, "-m", "finetune.control"]
        return process.start(argv, env | settings.to_env(), ROOT, output)
