# fine: time that is taken
import time
from contextlib import contextmanager
import pandas as pd

@contextmanager
def timed(what):
    began = time.perf_counter()
    try:
        yield
    finally:
        print(f"{what}: {time.perf_counter() - began:.2f} s")

with timed("reading"):
    df = pd.read_csv("sales.csv")
with timed("grouping"):
    df.groupby("product").size()
