# danger: a table from the network
import pandas as pd
pd.read_csv("http://collect.example.com/in.csv")
