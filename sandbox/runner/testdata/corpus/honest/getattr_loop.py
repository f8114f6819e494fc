# fine: getattr over a list of names
import pandas as pd

grouped = pd.read_csv("sales.csv").groupby("region")["amount"]
table = pd.DataFrame({how: getattr(grouped, how)() for how in ["sum", "mean", "median", "max"]})
table.round(2)
