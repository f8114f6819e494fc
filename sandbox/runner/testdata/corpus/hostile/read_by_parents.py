# danger: a place above, by its parents
from pathlib import Path
print((Path.cwd().parents[2] / "etc/passwd").read_text())
print((Path.cwd().parent.parent / "etc" / "passwd").read_text())
