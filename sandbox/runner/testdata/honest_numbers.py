from __future__ import annotations
import json
import math
import numpy as np
from urllib.parse import urlparse
try:
    import seaborn as sns
except ImportError:
    sns = None

values = np.array([1, 2, 3])
with open("./sales.csv") as f:
    first = f.readline()
while True:
    if math.sqrt(values.sum()) > 1:
        break
json.dumps({"first": first, "host": urlparse("http://example.com/x").netloc})
#> note 1 Imports __future__, part of Python.
#> note 2 Imports json, part of Python.
#> note 3 Imports math, part of Python.
#> note 4 Imports numpy, installed in the box.
#> note 5 Imports urllib, part of Python.
#> note 7 Tries to import seaborn, which is not in the box, and seems to manage without.
#> note 12 Reads ./sales.csv.
