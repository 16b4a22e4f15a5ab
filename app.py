"""The page: `python app.py`. On a Space the same file is started by the platform."""

import spaces  # noqa: F401, I001  before anything that may look at CUDA

import os
import signal
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if os.environ.get("GRADIO_VIBE_MODE"):
    raise SystemExit("GRADIO_VIBE_MODE lets the page run code of strangers: unset it and start again")

import ui
from backends.settings import settings
from backends.zero_gpu import gpu_call, offer, place  # noqa: F401  a ZeroGPU Space looks for a decorated function at start
from finetune.runs.starter import machine_goes_away
from finetune.training import sliced
from ui import metrics
from ui.room import Room
from ui.server import launch_settings, queued

offer(sliced.OPERATION, sliced.learn, sliced.seconds_of)
room = Room(settings())
demo = queued(ui.build(room))

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    if room.settings.zero_gpu:
        place()
    room.start()
    try:
        demo.launch(**launch_settings(room.settings, [metrics.route(room.settings, room.figures)]))
    finally:
        machine_goes_away(room.settings)
        room.close()
