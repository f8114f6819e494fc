# danger: places in a list, opened by their number
places = ["sales.csv"]
places.append("/etc/" + "passwd")
for n in range(2):
    print(open(places[n]).read())
