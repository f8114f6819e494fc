import builtins, importlib
eval("1 + 1")
run = exec
run("print(1)")
compile("1", "x", "eval")
__import__("os").system("id")
getattr(builtins, "ev" + "al")("1")
getattr([], "__class__")
().__class__.__bases__[0].__subclasses__()
print.__self__
"".join(chr(n) for n in [105, 100])
#> danger 1 Imports builtins, which reaches Python's own functions.
#> danger 1 Imports importlib, which loads code by computed names.
#> danger 2 Runs text as code (eval).
#> danger 3 Runs text as code (exec).
#> danger 5 Makes code out of text (compile).
#> danger 6 Imports by a computed name (__import__).
#> caution 7 Reaches a property by a computed name (getattr).
#> danger 8 Reaches into Python's own machinery (__class__).
#> danger 9 Reaches into Python's own machinery (__bases__).
#> danger 9 Reaches into Python's own machinery (__class__).
#> danger 9 Reaches into Python's own machinery (__subclasses__).
#> danger 10 Reaches into Python's own machinery (__self__).
#> caution 11 Builds text from character numbers (chr).
