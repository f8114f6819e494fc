# fine: nested JSON by pandas
import json
from pathlib import Path
import pandas as pd

events = json.loads(Path("events.json").read_text(encoding="utf-8"))
df = pd.json_normalize(events, sep="_")
df.groupby("user_country")["id"].count().sort_values(ascending=False)
