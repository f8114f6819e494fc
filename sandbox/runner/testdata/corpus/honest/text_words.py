# fine: the most common words
import re
import string
from collections import Counter

with open("server.log", encoding="utf-8") as f:
    words = re.findall(r"[a-z']+", f.read().lower().translate(str.maketrans("", "", string.digits)))
stop = set("the a an and of to in is for on with".split())
Counter(w for w in words if w not in stop and len(w) > 2).most_common(20)
