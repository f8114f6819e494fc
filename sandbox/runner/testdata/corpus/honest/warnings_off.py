# fine: warnings that are known
import warnings
import pandas as pd

warnings.filterwarnings("ignore", category=FutureWarning)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    df = pd.read_csv("sales.csv", low_memory=False)
df.nunique()
