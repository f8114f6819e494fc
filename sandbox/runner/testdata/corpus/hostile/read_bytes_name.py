# danger: a place in bytes
name = b"/etc/passwd"
print(open(name).read())
