# fine: type hints
from __future__ import annotations
from typing import Iterable, NamedTuple, Optional
import pandas as pd

class Share(NamedTuple):
    name: str
    value: float

def shares(frame: pd.DataFrame, by: str, of: str = "amount") -> Iterable[Share]:
    total: float = frame[of].sum()
    for name, value in frame.groupby(by)[of].sum().items():
        yield Share(str(name), float(value) / total)

best: Optional[Share] = max(shares(pd.read_csv("sales.csv"), "region"), key=lambda s: s.value, default=None)
best
