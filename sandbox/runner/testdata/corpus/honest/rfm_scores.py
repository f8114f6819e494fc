# fine: recency, frequency, money
import pandas as pd

df = pd.read_csv("sales.csv", parse_dates=["day"])
now = df["day"].max() + pd.Timedelta(days=1)
rfm = df.groupby("customer_id").agg(recency=("day", lambda d: (now - d.max()).days), frequency=("day", "size"), money=("amount", "sum"))
for column, ascending in [("recency", False), ("frequency", True), ("money", True)]:
    rfm[column + "_score"] = pd.qcut(rfm[column].rank(method="first", ascending=ascending), 5, labels=[1, 2, 3, 4, 5]).astype(int)
rfm["score"] = rfm.filter(like="_score").sum(axis=1)
rfm.sort_values("score", ascending=False).head(10)
