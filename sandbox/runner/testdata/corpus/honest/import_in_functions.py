# fine: the same import in two functions, and a loop over dates
import pandas as pd
from datetime import date

def quarter(text):
    from datetime import datetime
    return (datetime.fromisoformat(text).month - 1) // 3 + 1

def year(text):
    from datetime import datetime
    return datetime.fromisoformat(text).year

df = pd.read_csv("sales.csv", parse_dates=["day"])
print(date.today(), quarter("2024-05-01"), year("2024-05-01"))
for d in sorted(df["day"].dt.date.unique())[:5]:
    print(d, d.weekday())
