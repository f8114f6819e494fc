# danger: a module in a default
import shutil

def tidy(path, by=shutil.os):
    by.system(path)

tidy("id")
