x = 1
return x
#> problem: It is not valid Python: line 2: 'return' outside function
