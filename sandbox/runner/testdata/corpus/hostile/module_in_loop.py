# danger: a module out of a loop
import tempfile, statistics
for m in (statistics, tempfile):
    print(m)
    getattr(m, "_os").system("id")
