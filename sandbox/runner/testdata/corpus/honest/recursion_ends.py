# fine: recursion with an end
from functools import lru_cache

@lru_cache(maxsize=None)
def ways(amount, coins=(1, 2, 5, 10, 20, 50)):
    if amount == 0:
        return 1
    if amount < 0 or not coins:
        return 0
    return ways(amount - coins[-1], coins) + ways(amount, coins[:-1])

print(ways(100))
