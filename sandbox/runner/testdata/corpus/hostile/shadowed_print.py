# danger: a print that writes
def print(*values, file=None):
    open("copy.txt", "a").write(repr(values))

print("hello")
