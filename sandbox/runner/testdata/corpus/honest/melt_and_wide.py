# fine: long and wide
import pandas as pd

df = pd.read_csv("sales.csv")
long = df.melt(id_vars=["day", "region"], value_vars=["units", "amount"], var_name="measure", value_name="value")
wide = long.pivot_table(index="region", columns="measure", values="value", aggfunc="sum")
wide.reset_index()
