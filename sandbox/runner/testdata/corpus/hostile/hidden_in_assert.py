# danger: a deed inside of an assert
assert [__import__("shutil").rmtree] and True
