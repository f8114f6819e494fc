# fine: patterns over objects of one's own
from dataclasses import dataclass
import pandas as pd

@dataclass
class Order:
    region: str
    amount: float
    os: str = "web"

def label(order):
    match order:
        case Order(region="North", amount=a) if a > 100:
            return "large in the north"
        case Order(os="web"):
            return "web"
        case _:
            return "other"

df = pd.read_csv("sales.csv")
print(pd.Series([label(Order(r, a)) for r, a in zip(df["region"], df["amount"])]).value_counts())
