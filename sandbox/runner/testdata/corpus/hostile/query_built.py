# danger: a query out of packed text
import base64
import pandas as pd
df = pd.read_csv("sales.csv")
df.query(base64.b64decode(b"YW1vdW50ID4gMQ==").decode())
