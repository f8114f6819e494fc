# danger: a function that is imported again
from os import system as run
run("id")
from statistics import mean as run
print(run([1, 2]))
