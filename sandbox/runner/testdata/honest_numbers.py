from __future__ import annotations
import json
import math
import numpy as np
from urllib.parse import urlparse
try:
    import plotly.express as px
except ImportError:
    px = None

values = np.array([1, 2, 3])
with open("./sales.csv") as f:
    first = f.readline()
while True:
    if math.sqrt(values.sum()) > 1:
        break
json.dumps({"first": first, "host": urlparse("http://example.com/x").netloc})
#> note 1 [import: json, math, numpy, urllib] Imports json, math, numpy and urllib.
#> note 7 [missing module: plotly] Tries to import plotly, which is not in the box, and seems to manage without.
#> note 12 [read: sales.csv] Reads ./sales.csv.
