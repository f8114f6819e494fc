# danger: a patch that looks like none
from unittest import mock
mock.patch("builtins.print", len).start()
print("x")
