"""A free port on loopback for a server that is started later."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """Below the ports that the system gives out by itself: the app's own processes take some of those meanwhile."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as chosen, suppress(OSError):
            chosen.bind(("127.0.0.1", port))
            return port
