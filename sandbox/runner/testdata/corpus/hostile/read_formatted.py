# danger: a place by format with names
import pandas as pd
kind = "etc"
pd.read_csv("{a}/passwd".format(a=f"/{kind!s}"))
