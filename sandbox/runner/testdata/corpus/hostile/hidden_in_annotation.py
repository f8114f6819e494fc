# danger: a deed inside of an annotation
total: exec("print(1)") = 0
