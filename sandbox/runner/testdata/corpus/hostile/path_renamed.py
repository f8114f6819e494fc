# danger: a file elsewhere that is moved here
from pathlib import Path
Path("/etc/passwd").rename("passwd.csv")
print(Path("~").expanduser().owner())
