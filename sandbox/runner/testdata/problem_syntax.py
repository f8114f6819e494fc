import pandas as pd
df = pd.read_csv("sales.csv"
print(df)
#> problem: It is not valid Python: line 2: '(' was never closed: df = pd.read_csv("sales.csv"
