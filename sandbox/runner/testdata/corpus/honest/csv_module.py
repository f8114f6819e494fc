# fine: the csv module
import csv
from collections import defaultdict
from decimal import Decimal

totals = defaultdict(Decimal)
with open("sales.csv", newline="") as f:
    for row in csv.DictReader(f):
        if row["amount"]:
            totals[row["region"]] += Decimal(row["amount"])
with open("totals.csv", "w", newline="") as out:
    writer = csv.writer(out)
    writer.writerow(["region", "total"])
    writer.writerows(sorted(totals.items()))
dict(totals)
