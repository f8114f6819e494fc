# fine: hashed ids
import hashlib
import pandas as pd

df = pd.read_csv("customers.csv", dtype=str)
df["key"] = [hashlib.sha256(c.encode("utf-8")).hexdigest()[:12] for c in df["customer_id"]]
df[["key", "city"]].drop_duplicates()
