# fine: a class with a parent
from abc import ABC, abstractmethod
import pandas as pd

class Metric(ABC):
    def __init__(self, name):
        self.name = name

    @abstractmethod
    def compute(self, df):
        ...

class Total(Metric):
    def compute(self, df):
        return df["amount"].sum()

class Basket(Metric):
    def __init__(self):
        super().__init__("basket")

    def compute(self, df):
        return df["amount"].mean()

df = pd.read_csv("sales.csv")
pd.Series({m.name: m.compute(df) for m in (Total("total"), Basket())})
