# danger: a pickle by another path
import pandas as pd
pd.io.api.read_pickle("sales.csv")
