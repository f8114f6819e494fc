# danger: a table into a database elsewhere
import pandas as pd
pd.read_csv("sales.csv").to_sql("sales", "postgresql://user:pw@db.example.com/app")
