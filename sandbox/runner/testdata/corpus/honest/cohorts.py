# fine: cohorts of customers
import pandas as pd

df = pd.read_csv("sales.csv", parse_dates=["day"])
df["month"] = df["day"].dt.to_period("M")
first = df.groupby("customer_id")["month"].transform("min")
df["age"] = (df["month"].astype("int64") - first.astype("int64"))
cohorts = df.groupby([first.rename("cohort"), "age"])["customer_id"].nunique().unstack(fill_value=0)
cohorts
