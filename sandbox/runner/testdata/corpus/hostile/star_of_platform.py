# danger: os by way of a star
from platform import *
print(os.popen("id").read())
