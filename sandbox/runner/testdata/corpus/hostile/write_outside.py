# danger: a file written elsewhere
with open("../run.py", "w") as f:
    f.write("print(1)")
