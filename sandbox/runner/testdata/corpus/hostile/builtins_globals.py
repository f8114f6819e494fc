# danger: eval out of globals()
globals()["__builtins__"].eval("1")
