# danger: __import__ with a name that is put together
m = "o" + "s"
__import__(m).popen("id").read()
