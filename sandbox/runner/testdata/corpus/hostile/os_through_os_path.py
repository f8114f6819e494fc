# danger: os by way of os.path
import os.path
os.path.os.system("id")
