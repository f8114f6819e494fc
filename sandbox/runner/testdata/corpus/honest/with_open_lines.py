# fine: a log read line by line
from collections import Counter
import re

levels = Counter()
pattern = re.compile(r"^\S+ \S+ (DEBUG|INFO|WARNING|ERROR) (.*)$")
with open("server.log", "r", encoding="utf-8", errors="replace") as f:
    for number, line in enumerate(f, start=1):
        match = pattern.match(line)
        if not match:
            continue
        levels[match.group(1)] += 1
for level, count in levels.most_common():
    print(f"{level:<8} {count:>6}")
