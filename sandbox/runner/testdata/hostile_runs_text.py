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
#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
#> danger 1 [import: builtins] Imports builtins, which reaches Python's own functions.
#> danger 1 [import: importlib] Imports importlib, which loads code by computed names.
#> danger 2 [dynamic code: eval] Runs text as code (eval).
#> danger 3 [dynamic code: exec] Runs text as code (exec).
#> danger 5 [dynamic code: compile] Makes code out of text (compile).
#> danger 6 [dynamic code: __import__] Imports by a computed name (__import__).
#> danger 6 [process: os.system] Starts another program (os.system).
#> danger 7 [dynamic code: eval] Runs text as code (eval).
#> danger 8 [reflection: __class__] Names Python's own machinery in a text (__class__).
#> danger 8 [reflection: __class__] Reaches into Python's own machinery (__class__).
#> danger 9 [reflection: __bases__] Reaches into Python's own machinery (__bases__).
#> danger 9 [reflection: __class__] Reaches into Python's own machinery (__class__).
#> danger 9 [reflection: __subclasses__] Reaches into Python's own machinery (__subclasses__).
#> danger 10 [reflection: __self__] Reaches into Python's own machinery (__self__).
#> caution 11 [packed: chr] Builds text from character numbers (chr).
