# danger: a name that is imported again where nobody calls
import os as m
import pandas as pd

def unused():
    import math as m
    return m.pi

m.system("id")
print(pd.read_csv("sales.csv").amount.sum())
