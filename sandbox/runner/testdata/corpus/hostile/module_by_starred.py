# danger: a module out of a starred assignment
import glob
first, *rest = [glob, 1]
first.os.system("id")
