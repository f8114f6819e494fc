# danger: a mask that is never put on
if False:
    open = print
    getattr = print
print(getattr(open("sales.csv"), "buf" + "fer"), open("/etc/hostname").read())
