# danger: a program by way of an import
from logging import os as paths
print(paths.popen("id").read())
