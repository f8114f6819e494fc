# danger 5: SQL in memory
import sqlite3
import pandas as pd

con = sqlite3.connect(":memory:")
pd.read_csv("sales.csv").to_sql("sales", con, index=False)
pd.read_sql_query("SELECT region, SUM(amount) AS total FROM sales GROUP BY region ORDER BY total DESC", con)
