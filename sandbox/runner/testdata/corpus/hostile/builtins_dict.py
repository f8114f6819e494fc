# danger: eval out of __builtins__
f = __builtins__.__dict__["ev" + "al"]
f("1")
