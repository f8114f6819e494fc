# fine: doubled rows
import pandas as pd

df = pd.read_csv("customers.csv")
doubled = df[df.duplicated(subset=["name", "city"], keep=False)].sort_values(["name", "city"])
print(len(doubled), "rows are there more than once")
df.drop_duplicates(subset="customer_id", keep="last", inplace=True)
doubled
