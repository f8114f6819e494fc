# danger: a pickle by pandas' own module
import pandas.compat.pickle_compat
with open("sales.csv", "rb") as f:
    pandas.compat.pickle_compat.load(f)
