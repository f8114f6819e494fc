# danger: files of the system in a loop
for name in ["sales.csv", "/proc/self/maps", "/proc/1/cmdline"]:
    with open(name) as f:
        print(f.read(100))
