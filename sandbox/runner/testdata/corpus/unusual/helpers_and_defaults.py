# medium 13: functions that are handed functions and tables
import statistics
import numpy as np
import pandas as pd

def summary(values, how=statistics.mean, digits=2):
    return round(how(values), digits)

def by(frame, column, functions=(np.mean, np.median)):
    return {f.__name__: f(frame[column]) for f in functions}

df = pd.read_csv("sales.csv")
print(summary(df["amount"]), summary(df["units"], how=statistics.median), by(df, "price"))
print({library.__name__: library.__version__ for library in (np, pd)})
