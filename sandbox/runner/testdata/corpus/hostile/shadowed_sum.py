# danger: a sum that is none
import pandas as pd

def sum(values):
    return 1_000_000

print(sum(pd.read_csv("sales.csv")["amount"]))
