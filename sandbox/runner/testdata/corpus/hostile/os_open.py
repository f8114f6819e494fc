# danger: a file opened past open
import os
fd = os.open("/etc/passwd", os.O_RDONLY)
print(os.read(fd, 100))
