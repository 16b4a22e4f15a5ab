"""How often and how patiently a busy server is asked again."""

import email.utils
import random
import time
from contextlib import suppress

from backends.base import Cancelled

#: statuses that mean "later"
BUSY = (429, 503)
#: asked this often, waiting at most so many seconds before each time
TRIES, MAX_WAIT = 4, 20.0
#: seconds between looks at whether the asker is still there
LOOK = 0.05


def seconds(retry_after: str | None, attempt: int) -> float:
    """What the server says, in either of the two forms of Retry-After, else longer each time."""
    if retry_after and retry_after.strip().isdecimal():
        return float(retry_after)
    with suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(retry_after or "").timestamp() - time.time())
    return 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)


def left_while_waiting(wait: float, cancelled: Cancelled) -> bool:
    """Wait; True when the asker went meanwhile."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if cancelled():
            return True
        time.sleep(LOOK)
    return False
