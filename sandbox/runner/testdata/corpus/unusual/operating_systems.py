# medium 9: columns that are called os and system
import pandas as pd

df = pd.read_json("events.json")
df["os"] = df["agent"].str.extract(r"(Windows|Mac|Linux)", expand=False)
df["system"] = df["os"].fillna("other")
print(df.os.value_counts(), df.system.nunique())
share = df.groupby("system").size() / len(df)
print(df.os.mode())
for library in (pd,):
    print(library.__version__, df.os.str.upper().unique())
share.plot.barh(title="Share by system")
