# danger 11: a query that grows with what is asked for
import pandas as pd

df = pd.read_csv("sales.csv")
low, region = 10, "North"
query = "amount > @low"
if region:
    query += " and region == @region"
print(df.query(query).describe())
parts = ["units > 2"]
parts.append("price < 100")
print(len(df.query(" and ".join(parts))))
