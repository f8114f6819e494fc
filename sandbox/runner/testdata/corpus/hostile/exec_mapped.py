# danger: exec handed to map
list(map(exec, ["print(1)", "print(2)"]))
