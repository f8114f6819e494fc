# fine: a pivot table with margins
import pandas as pd
import numpy as np

df = pd.read_csv("sales.csv")
pivot = pd.pivot_table(df, values="amount", index="region", columns="product", aggfunc=np.sum, fill_value=0, margins=True)
pivot
