# danger: a query that is called on its class
import pandas as pd
df = pd.read_csv("sales.csv")
pd.DataFrame.query(df, "@pd.io.common.os.system('id') == 0")
