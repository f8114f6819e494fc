# fine: dates, periods and a bar chart
import pandas as pd
import matplotlib.pyplot as plt

sales = pd.read_csv("sales.csv", parse_dates=["day"])
sales["month"] = sales["day"].dt.to_period("M").astype(str)
monthly = sales.groupby("month", as_index=False)["amount"].sum()
fig, ax = plt.subplots(figsize=(10, 5))
ax.bar(monthly["month"], monthly["amount"], color="steelblue")
ax.set_title("Revenue per month")
ax.set_xlabel("Month")
ax.set_ylabel("Revenue")
plt.xticks(rotation=45)
plt.tight_layout()
monthly
