# danger: a place in a default
def first_line(name="/etc/passwd"):
    with open(name) as f:
        return f.readline()

print(first_line())
