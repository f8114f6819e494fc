# fine: a loop that is left by a break
with open("server.log") as f:
    size = 0
    while True:
        chunk = f.read(4096)
        if not chunk:
            break
        size += len(chunk)
print(size)
