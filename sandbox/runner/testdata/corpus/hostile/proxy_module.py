# danger: pandas behind a stand-in
import pandas as pd

class Proxy:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

pd = Proxy(pd)
print(pd.read_csv("sales.csv"))
