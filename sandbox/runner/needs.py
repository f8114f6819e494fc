"""What every box has to bring along, and what it has. Loaded by supervise.py and inspect.py."""

import functools
import os
import platform
import re
import sys
from importlib.machinery import PathFinder

PACKAGES = ("pandas", "numpy", "matplotlib", "openpyxl")
LIBRARIES = PACKAGES + ("scipy", "seaborn", "statsmodels", "scikit-learn", "pyarrow")  # that a model is told of, where they are there
STAMP = re.compile(r"([A-Za-z0-9_.-]+?)-(\d[\w.+!]*?)(?:-py[\d.]+)?\.(?:dist|egg)-info")


def lacking():
    """The packages that this box has not; nothing is imported."""
    return [name for name in PACKAGES if PathFinder.find_spec(name) is None]


@functools.cache
def installed():
    """Python and the libraries that this box has, with their versions, as their installers wrote them down: "pandas 2.2.3". Nothing is imported."""
    found = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for m in filter(None, map(STAMP.fullmatch, names)):
            found.setdefault(m[1].lower().replace("_", "-").replace(".", "-"), m[2].partition("+")[0])
    return ["Python " + platform.python_version()] + ["%s %s" % (name, found[name]) for name in LIBRARIES if name in found]
