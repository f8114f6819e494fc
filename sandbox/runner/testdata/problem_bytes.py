print("ÿ")
#> problem: The code is not valid UTF-8.
