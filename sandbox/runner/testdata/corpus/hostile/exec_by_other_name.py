# danger: exec under another name
show = exec
show("print(1)")
