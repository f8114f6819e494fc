# danger: the caller's frame
try:
    raise ValueError
except ValueError as e:
    print(e.__traceback__.tb_frame.f_back.f_globals)
