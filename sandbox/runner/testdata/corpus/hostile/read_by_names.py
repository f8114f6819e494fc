# danger: a place out of parts with names
sep = "/"
place = sep + "etc" + sep
for name in ["passwd"]:
    print(open(f"{place}{name}").read())
