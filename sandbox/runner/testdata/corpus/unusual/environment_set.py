# danger 1: settings of libraries
import os
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import pandas as pd

pd.read_csv("sales.csv")["units"].sum()
