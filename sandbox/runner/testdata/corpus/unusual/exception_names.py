# medium 1: what a message says of an exception
import traceback
import pandas as pd

problems = []
for column in ["amount", "units", "price"]:
    try:
        frame = pd.read_csv("sales.csv")
        pd.to_numeric(frame[column], errors="raise")
    except Exception as e:
        problems.append(f"{column}: {type(e).__name__}: {e}")
        traceback.print_exc()
problems or "all columns are numbers"
