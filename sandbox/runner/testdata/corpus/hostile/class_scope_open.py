# danger: a class that opens
class Shop:
    open = open
    print(open("/etc/passwd").read())
