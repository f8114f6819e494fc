# fine: a description of all columns
import pandas as pd

pd.options.display.float_format = "{:,.2f}".format
pd.set_option("display.max_columns", None)
df = pd.read_csv("sales.csv")
print(df.shape)
print(df.dtypes)
df.describe(include="all").T
