# fine: cleaning text with regular expressions
import re
import pandas as pd

df = pd.read_csv("customers.csv", dtype=str)
def clean_name(value):
    """Trims, collapses blanks and drops what is no letter."""
    value = re.sub(r"\s+", " ", value or "").strip()
    return re.sub(r"[^A-Za-z' -]", "", value).title()

df["name"] = df["name"].fillna("").map(clean_name)
df["city"] = df["city"].str.replace(r"\(.*?\)", "", regex=True).str.strip().str.upper()
df["digits"] = df["customer_id"].str.extract(r"(\d+)", expand=False)
df.head(20)
