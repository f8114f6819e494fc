# danger: os out of shutil
from shutil import os
os.system("id")
