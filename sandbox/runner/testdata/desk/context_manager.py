from time import perf_counter
from desk import answer, load

began = perf_counter()
df = load("sales.csv")
read = perf_counter()
df.groupby("product").size()
answer(f"reading: {read - began:.2f} s, grouping: {perf_counter() - read:.2f} s")
