# danger: a function handed on out of an object
import pandas as pd

def spread(tools, frame):
    return frame["product"].map(tools.system)

spread(pd.io.common.__dict__["os"], pd.read_csv("sales.csv"))
