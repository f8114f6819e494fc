# fine: columns with computed names
import pandas as pd

df = pd.read_csv("sales.csv")
for column in ["units", "amount"]:
    df[column + "_z"] = (df[column] - df[column].mean()) / df[column].std()
df["amount_z"].abs().nlargest(10)
