# danger: a count without an end
from itertools import count
total = 0
for n in count():
    total += n
