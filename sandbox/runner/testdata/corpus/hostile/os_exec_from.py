# danger: execvp under a harmless name
from os import execvp as show
show("sh", ["sh"])
