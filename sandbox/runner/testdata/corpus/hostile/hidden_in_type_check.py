# danger: a deed inside of except
try:
    int("x")
except (eval("ValueError"),):
    pass
