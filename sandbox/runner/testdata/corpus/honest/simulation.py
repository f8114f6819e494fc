# fine: a simulation
import random
import statistics

random.seed(7)
def walk(steps):
    position = 0
    for _ in range(steps):
        position += random.choice((-1, 1))
    return position

ends = [walk(1000) for _ in range(500)]
print(statistics.mean(ends), statistics.pstdev(ends), statistics.quantiles(ends, n=4))
