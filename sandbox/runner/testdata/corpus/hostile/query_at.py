# danger: a query that calls
import pandas as pd
df = pd.read_csv("sales.csv")
df.query("@pd.io.common.os.getcwd() != amount")
