# danger 2: progress through logging
import logging
import sys
import pandas as pd

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("analysis")
df = pd.read_csv("sales.csv")
log.info("read %d rows", len(df))
df["amount"].mean()
