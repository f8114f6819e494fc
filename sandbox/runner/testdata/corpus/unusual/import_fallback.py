# medium 2: a faster library, if there is one
try:
    import ujson as json
except ImportError:
    import json

with open("events.json") as f:
    events = json.load(f)
print(len(events))
