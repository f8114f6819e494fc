# fine: nested JSON made flat
import json
import pandas as pd

with open("events.json", encoding="utf-8") as f:
    events = json.load(f)

def flatten(record, prefix=""):
    flat = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(flatten(value, name + "."))
        elif isinstance(value, list):
            flat[name] = ", ".join(map(str, value))
        else:
            flat[name] = value
    return flat

df = pd.DataFrame([flatten(e) for e in events])
df["kind"].value_counts()
