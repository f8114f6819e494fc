# fine: a merge of two files
import pandas as pd

orders = pd.read_csv("sales.csv")
customers = pd.read_csv("customers.csv")
merged = orders.merge(customers, on="customer_id", how="left", validate="many_to_one", indicator=True)
unmatched = (merged["_merge"] == "left_only").sum()
print(f"Orders without a customer: {unmatched}")
merged.groupby("city")["amount"].agg(["count", "sum", "mean"]).round(2)
