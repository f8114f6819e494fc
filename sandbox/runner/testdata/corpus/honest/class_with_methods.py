# fine: a class of one's own
import pandas as pd

class SalesReport:
    """Reads the sales once and answers questions about them."""

    def __init__(self, path):
        self.path = path
        self.df = pd.read_csv(path, parse_dates=["day"])

    def __repr__(self):
        return f"{self.__class__.__name__}({self.path!r}, {len(self)} rows)"

    def __len__(self):
        return len(self.df)

    def by(self, column, measure="amount"):
        return self.df.groupby(column)[measure].sum().sort_values(ascending=False)

    @staticmethod
    def share(series):
        return (series / series.sum() * 100).round(1)

report = SalesReport("sales.csv")
print(report)
report.share(report.by("region"))
