# danger: a file of the system, line by line
import linecache
print(linecache.getline("/etc/passwd", 1))
