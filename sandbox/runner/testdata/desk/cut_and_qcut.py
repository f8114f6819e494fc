from desk import load, table
import pandas as pd

amount = load("sales.csv")["amount"]
bins = pd.cut(amount, [0, 10, 50, 100, 1e9], labels=["<10", "10-50", "50-100", ">100"], right=False)
table(pd.crosstab(bins, pd.qcut(amount, 4, labels=["Q1", "Q2", "Q3", "Q4"]), margins=True))
