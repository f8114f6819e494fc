pärl = 1
ｐｒint(1)
#> problem: Line 1: the name 'pärl' has letters outside of ASCII, which can look like another one. Use ASCII names.
