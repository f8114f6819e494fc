# fine: itertools, operator and functools
from functools import reduce, partial
from itertools import combinations, groupby, islice, count, chain
from operator import itemgetter, mul
import pandas as pd

rows = pd.read_csv("sales.csv").dropna().to_dict("records")
rows.sort(key=itemgetter("region"))
pairs = list(combinations(sorted({r["product"] for r in rows}), 2))
numbered = list(zip(count(1), pairs))
product = reduce(mul, range(1, 6))
first = {k: list(islice(g, 1)) for k, g in groupby(rows, key=itemgetter("region"))}
print(numbered[:3], product, list(first), partial(round, ndigits=1)(3.14159))
