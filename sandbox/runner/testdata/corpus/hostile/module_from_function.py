# danger: a module that a function gives
import pandas as pd

def tables():
    return pd.io

tables().common.os.system("id")
