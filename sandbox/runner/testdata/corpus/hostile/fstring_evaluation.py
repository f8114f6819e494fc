# danger: an f-string that runs something
print(f"{__import__('os').listdir('/')}")
