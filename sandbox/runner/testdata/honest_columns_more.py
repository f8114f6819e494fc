import pandas as pd

sales = pd.read_csv("sales.csv")
renamed = sales.rename(columns={"amount": "Betrag"})
print(renamed["Betrag"].sum(), renamed.groupby("Betrag").size())
lower = sales.rename(columns=str.upper)
print(lower["AMOUNT"].sum())
merged = sales.merge(sales.groupby("kind", as_index=False)["amount"].sum(), on="kind", suffixes=("", "_of_kind"))
print(merged["amount_of_kind"].mean())
wide = sales.assign(**{c + "_z": sales[c] for c in ["amount"]})
print(wide["amount_z"].std())
counted = sales["kind"].value_counts().reset_index()
print(counted["count"].max())
per = sales.groupby("kind").agg(total=("amount", "sum")).sort_values("total")
print(per["total"].head(), per.loc["a", "total"])
dated = sales.set_index("day").reset_index()
print(dated["index"] if "index" in dated else dated["day"])
dummies = pd.get_dummies(sales)
print(dummies["kind_a"].sum())
for n in (7, 30):
    sales[f"mean_{n}"] = sales["amount"].rolling(n).mean()
print(sales["mean_7"].iloc[-1], sales[["mean_7", "mean_30"]].dropna().tail())
both = {"all": sales, "large": sales[sales["amount"] > 1]}
for name, table in both.items():
    table["from_" + name] = 1
print(sales["from_all"].sum())
stacked = pd.concat([sales, renamed])
print(stacked["Betrag"].sum())
ranked = sales.copy()
ranked.insert(0, "rank", range(len(ranked)))
print(ranked.sort_values("rank"), ranked.drop(columns=["gone"], errors="ignore"))
melted = sales.melt(id_vars=["kind"], value_vars=["amount"])
print(melted["variable"].nunique(), melted.groupby("value").size())
cut = pd.cut(sales["amount"], 3)
print(sales.groupby(cut)["amount"].mean(), sales.groupby(sales["day"].str[:7])["amount"].sum()["2024-01"])
pivot = sales.pivot_table(index="day", columns="kind", values="amount")
print(pivot["a"].sum(), pivot.loc[:, "b"].mean())
print(sales.describe()["amount"]["mean"], sales.iloc[0]["amount"], sales.dtypes["amount"])
#> note 1 [import: pandas] Imports pandas.
#> note 3 [read: sales.csv] Reads sales.csv.
#> note 8 [left out: an inner join, head, tail, dropna, a filter] Drops rows without telling people how many (an inner join, head, tail, dropna, a filter).
