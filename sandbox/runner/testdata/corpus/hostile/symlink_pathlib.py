# danger: a link by pathlib
from pathlib import Path
Path("report.csv").symlink_to(Path("sales.csv"))
