from desk import load, table

df = load("sales.csv")
month = df["day"].dt.to_period("M").rename("cohort")
who = df["customer_id"]
first = month.groupby(who).transform("min")
age = (month.astype("int64") - first.astype("int64")).rename("age")
table(who.groupby([first, age]).nunique().unstack(fill_value=0))
