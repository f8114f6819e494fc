# danger: pandas made to lie
import pandas as pd
real = pd.read_csv
pd.read_csv = lambda path: real(path).assign(amount=0)
print(pd.read_csv("sales.csv"))
