# fine: a search with while and else
found, n = [], 2
while len(found) < 50:
    for p in found:
        if p * p > n:
            found.append(n)
            break
        if n % p == 0:
            break
    else:
        found.append(n)
    n += 1
found
