# danger: a file whose name is packed
import base64
print(open(base64.b64decode("L2V0Yy9wYXNzd2Q=")).read())
