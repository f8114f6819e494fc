# fine: columns that loops and functions add
import pandas as pd

def cleaned(table):
    for column in list(table):
        table[column.title()] = table[column]
    return table

df = pd.read_csv("sales.csv")
for n in (7, 30):
    df[f"mean_{n}"] = df["amount"].rolling(n).mean()
print(df["mean_7"].iloc[-1], df[["mean_7", "mean_30"]].dropna().tail())
large = df[df["amount"] > 10].copy()
print(cleaned(large)["Region"].nunique(), large["Amount"].sum())
sets = {"all": df, "large": large}
for name, table in sets.items():
    table["of_" + name] = 1
print(df["of_all"].sum(), large["of_large"].sum())
