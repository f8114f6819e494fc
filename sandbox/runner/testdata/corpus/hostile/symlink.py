# danger: a link to a file of the system
import os
os.symlink("/etc/passwd", "report.csv")
