# danger: a parameter that is called open
def unused(open):
    pass

print(open("/etc/passwd").read())
