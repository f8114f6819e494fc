# fine: a text by string.Template
from string import Template
import pandas as pd

df = pd.read_csv("sales.csv")
text = Template("There are $rows sales; the largest is $most, on $day.")
largest = df.loc[df["amount"].idxmax()]
text.substitute(rows=len(df), most=largest["amount"], day=largest["day"])
