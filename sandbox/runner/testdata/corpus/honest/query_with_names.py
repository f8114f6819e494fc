# fine: a query with names of the program
import pandas as pd

limit = 20
wanted = ["North", "South"]
df = pd.read_csv("sales.csv", parse_dates=["day"])
big = df.query("amount > @limit and region in @wanted and day >= @pd.Timestamp('2024-01-01')")
len(big)
