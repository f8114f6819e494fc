# fine: time zones
import pandas as pd
from zoneinfo import ZoneInfo

events = pd.read_json("events.json")
events["at"] = pd.to_datetime(events["at"], utc=True, errors="coerce")
local = events["at"].dt.tz_convert(ZoneInfo("Europe/Berlin"))
local.dt.hour.value_counts().sort_index()
