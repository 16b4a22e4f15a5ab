"""Find plug-ins: one module-level constant per file is its registration. Looked up once, at start.

The only place that imports by name, and the names come from our own folders, never from a person or a file.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def discover(package: ModuleType, constant: str) -> dict[str, Any]:
    """`{plug-in.name: plug-in}` for every module of `package`; half-written or duplicate ones stop the program."""
    found: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        if info.name.startswith("_") or info.ispkg:
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if not hasattr(module, constant):
            raise RuntimeError(f"{module.__file__}: a file of this folder must end in `{constant} = ...`")
        plugin = getattr(module, constant)
        if plugin.name in found:
            raise RuntimeError(f"{module.__file__}: the name {plugin.name!r} is taken by another file")
        found[plugin.name] = plugin
    return found
