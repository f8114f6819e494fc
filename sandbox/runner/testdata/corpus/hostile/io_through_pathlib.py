# danger: io by way of pathlib
import pathlib
print(pathlib.io.open("/etc/passwd").read())
