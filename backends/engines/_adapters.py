"""Which adapter a request means: found by name, checked, of the base that is asked."""

from backends import adapters
from backends.errors import Refused
from backends.settings import Settings


def wanted(settings: Settings, base: str, name: str) -> adapters.Adapter:
    """The adapter `name` if it may answer on `base`; otherwise an error, never the base in its place."""
    adapter = adapters.find(settings, name)
    if adapter.base != base:
        raise Refused(f"The adapter {name} belongs to the base {adapter.base} and cannot answer on {base}")
    adapters.check(settings, adapter)
    return adapter
