x = 1
ｐｒint(x)
#> problem: Line 2: the name 'ｐｒint' has letters outside of ASCII, which Python reads as 'print'. Use ASCII names.
