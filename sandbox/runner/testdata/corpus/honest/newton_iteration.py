# fine: an iteration with a limit
import numpy as np

def irr(flows, guess=0.1):
    rate = guess
    for _ in range(100):
        periods = np.arange(len(flows))
        value = np.sum(flows / (1 + rate) ** periods)
        slope = np.sum(-periods * flows / (1 + rate) ** (periods + 1))
        step = value / slope
        rate -= step
        if abs(step) < 1e-9:
            break
    return rate

round(irr(np.array([-1000, 300, 420, 680])), 4)
