# danger: a mask that is taken off again
open = None
del open
print(open("/etc/passwd").read())
