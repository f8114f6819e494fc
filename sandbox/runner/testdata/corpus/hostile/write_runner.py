# danger: the runner overwritten
from pathlib import Path
Path("/runner/worker.py").write_text("")
