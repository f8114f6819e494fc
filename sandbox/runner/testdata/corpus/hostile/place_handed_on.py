# danger: a place that a function is handed
import pandas as pd

def load(name, **how):
    return pd.read_csv(name, **how)

load("/var/lib/secret.csv")
