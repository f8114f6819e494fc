# danger: a table to the cloud
import pandas as pd
pd.read_csv("sales.csv").to_csv("s3://bucket.example.com/out.csv")
