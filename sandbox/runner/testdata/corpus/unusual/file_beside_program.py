# danger 1: a file beside the program
import os
import pandas as pd

HERE = os.path.dirname(os.path.abspath(__file__))
path = os.path.join(HERE, "sales.csv")
print(os.path.exists("sales.csv"))
pd.read_csv(path)["amount"].sum()
