"""What every box has to bring along. Loaded by supervise.py and inspect.py."""

from importlib.machinery import PathFinder

PACKAGES = ("pandas", "numpy", "matplotlib", "openpyxl")


def lacking():
    """The packages that this box has not; nothing is imported."""
    return [name for name in PACKAGES if PathFinder.find_spec(name) is None]
