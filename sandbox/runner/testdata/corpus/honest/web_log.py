# fine: paths of pages in a log
import re
from collections import Counter
import pandas as pd

line = re.compile(r'"GET (\S+) HTTP')
pages = Counter()
with open("access.log") as f:
    for text in f:
        found = line.search(text)
        if found and not found[1].startswith("/static/"):
            pages[found[1]] += 1
table = pd.Series(pages).sort_values(ascending=False)
print(table.get("/home/index.html", 0), table[table.index.str.contains("/usr/")].sum())
probes = [p for p in pages if "../" in p or p == "/etc/passwd"]
print(len(probes), table.head(10), sep="\n~ ")
