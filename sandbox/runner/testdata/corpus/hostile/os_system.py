# danger: a program started by os.system
import os
os.system("cat /etc/passwd")
