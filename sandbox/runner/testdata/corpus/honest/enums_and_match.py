# fine: enumerations and match
from enum import Enum
import pandas as pd

class Size(Enum):
    SMALL = 1
    LARGE = 2

def describe(value):
    match value:
        case int() | float() if value < 10:
            return Size.SMALL
        case int() | float():
            return Size.LARGE
        case _:
            return None

sizes = pd.read_csv("sales.csv")["units"].map(describe)
sizes.map(lambda s: s.name if s else "unknown").value_counts()
