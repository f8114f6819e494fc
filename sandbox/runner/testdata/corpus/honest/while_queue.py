# fine: a queue that is worked off
from collections import deque

graph = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
seen, queue = set(), deque(["a"])
while queue:
    node = queue.popleft()
    if node in seen:
        continue
    seen.add(node)
    queue.extend(graph[node])
sorted(seen)
