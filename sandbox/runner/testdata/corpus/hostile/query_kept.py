# danger: a query that is kept for later
import pandas as pd
df = pd.read_csv("sales.csv")
ask = df.query
ask("@pd.io.common.os.system('id') == 0")
