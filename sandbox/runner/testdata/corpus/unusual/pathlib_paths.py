# medium 10: paths in the working folder
from pathlib import Path
import pandas as pd

base = Path(".")
out = base / "out"
out.mkdir(exist_ok=True)
df = pd.read_csv(base / "sales.csv")
df.head(5).to_csv(out / "head.csv", index=False)
(out / "note.txt").write_text("first five rows\n")
sorted(p.name for p in out.iterdir())
