# danger: a method that is kept for later
import pandas as pd

def late(x):
    r = x.system
    r("id")

late(pd.io)
