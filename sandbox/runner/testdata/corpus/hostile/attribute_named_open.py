# danger: a class with an open of its own
class Shop:
    open = "9 to 5"

print(Shop.open, open("/etc/passwd").read())
