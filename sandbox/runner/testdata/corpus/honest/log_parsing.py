# fine: a web log
import re
import pandas as pd

line = re.compile(r'(?P<host>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+)[^"]*" (?P<status>\d{3}) (?P<size>\S+)')
rows = []
with open("access.log") as f:
    for text in f:
        m = line.match(text)
        if m:
            rows.append(m.groupdict())
df = pd.DataFrame(rows)
home = df[df["path"].isin(["/", "/home", "/etc"])]
print(len(home), "calls of the start page")
df["status"].value_counts()
