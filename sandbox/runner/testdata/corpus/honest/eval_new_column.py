# fine: a column computed by DataFrame.eval
import pandas as pd

df = pd.read_csv("sales.csv")
df = df.eval("price = amount / units")
df[["product", "price"]].groupby("product").median()
