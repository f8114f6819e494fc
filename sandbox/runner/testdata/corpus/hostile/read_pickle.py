# danger: a pickle by pandas
import pandas as pd
pd.read_pickle("model.pkl")
