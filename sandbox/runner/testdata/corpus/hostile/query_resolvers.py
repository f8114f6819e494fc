# danger: a query with names of its own
import pandas as pd
df = pd.read_csv("sales.csv")
tools = [dict(pd.io.common.__dict__)]
df.query("os.getcwd() != region", resolvers=tools)
