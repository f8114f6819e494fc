# danger: a list that grows while it is walked over
rows = [1]
for r in rows:
    rows.append(r + 1)
