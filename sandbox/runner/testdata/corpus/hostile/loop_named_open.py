# danger: a comprehension's own open
names = [open for open in ["a", "b"]]
print(names, open("/etc/passwd").read())
