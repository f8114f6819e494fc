# medium 1: how long a function takes
import timeit
import pandas as pd

df = pd.read_csv("sales.csv")

def grouped():
    return df.groupby("region")["amount"].sum()

print(timeit.timeit(grouped, number=3) > 0, timeit.timeit(lambda: df["amount"].sum(), number=3) > 0)
begin = timeit.default_timer()
grouped()
print(timeit.default_timer() - begin > 0)
