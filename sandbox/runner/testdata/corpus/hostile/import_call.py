# danger: __import__ with a constant name
__import__("os").system("id")
