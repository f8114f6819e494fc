# fine: a report as text
import textwrap
import io
import pandas as pd

df = pd.read_csv("sales.csv")
buffer = io.StringIO()
df.info(buf=buffer)
print(textwrap.indent(buffer.getvalue(), "  "))
print(df.head().to_string(index=False))
print(df.head(3).to_markdown() if False else df.head(3).to_json(orient="records"))
