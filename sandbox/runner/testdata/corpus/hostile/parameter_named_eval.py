# danger: a parameter that is called __import__
def unused(chr, open=None):
    return chr

for place in ["/etc/shadow"]:
    with open(place) as f:
        print(f.read())
