# fine: dataclasses and a small report
from dataclasses import dataclass, field, asdict
import pandas as pd

@dataclass
class Line:
    region: str
    units: int
    amount: float
    notes: list = field(default_factory=list)

    @property
    def price(self):
        return self.amount / self.units if self.units else float("nan")

df = pd.read_csv("sales.csv").groupby("region", as_index=False)[["units", "amount"]].sum()
lines = [Line(r.region, int(r.units), float(r.amount)) for r in df.itertuples()]
for line in lines:
    if line.price > 10:
        line.notes.append("expensive")
pd.DataFrame([asdict(l) for l in lines])
