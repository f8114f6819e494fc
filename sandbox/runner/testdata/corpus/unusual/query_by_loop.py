# medium 5: several queries and one that is computed
import pandas as pd

df = pd.read_csv("sales.csv")
for name, condition in {"large": "amount > 100", "small": "amount <= 100"}.items():
    print(name, len(df.query(condition)))
for region in df["region"].unique():
    print(region, df.query(f"region == '{region}' and amount > 10")["amount"].mean())
df["vat"] = df.eval("amount * 0.19")
mail = df["product"].astype(str).str.contains("@")
print(mail.sum())
