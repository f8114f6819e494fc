# danger: a file of the system, by pathlib
from pathlib import Path
print((Path("/") / "proc" / "self" / "environ").read_bytes())
