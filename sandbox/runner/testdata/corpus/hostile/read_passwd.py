# danger: a file of the system
print(open("/etc/passwd").read())
