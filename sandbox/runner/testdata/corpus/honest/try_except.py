# fine: errors that are handled
import pandas as pd

try:
    df = pd.read_csv("sales.csv", encoding="utf-8")
except UnicodeDecodeError:
    df = pd.read_csv("sales.csv", encoding="latin-1")
except FileNotFoundError as e:
    raise SystemExit(f"The file is missing: {e}")

def to_number(text):
    try:
        return float(str(text).replace(",", "."))
    except (TypeError, ValueError):
        return None

df["amount"] = df["amount"].map(to_number)
df["amount"].sum()
