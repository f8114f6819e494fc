# danger: eval in the width of an f-string
print(f"{1:{eval('10')}}")
