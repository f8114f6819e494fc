# fine: columns that come from an index
import pandas as pd

df = pd.read_csv("sales.csv")
counted = df["product"].value_counts().rename_axis("what").reset_index(name="often")
print(counted["what"].iloc[0], counted.sort_values("often"))
numbered = df.reset_index()
print(numbered["index"].max(), numbered.sort_values("index").head())
by_day = df.set_index("day")
print(by_day["amount"]["2024-01-01"], by_day.loc["2024-01-01", "region"], by_day.groupby("day").size())
wide = df.pivot_table(index="day", columns="region", values="amount")
print(wide["North"].sum(), wide.loc[:, "South"].mean())
print(df.describe()["amount"]["mean"], df.iloc[0]["product"], df.dtypes["units"])
flat = df.melt(id_vars="region", value_vars=["units", "amount"])
print(flat["variable"].nunique(), flat.groupby("variable")["value"].sum())
both = pd.crosstab(df["region"], df["product"])
print(both["Widget"])
