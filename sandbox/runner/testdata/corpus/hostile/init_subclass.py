# danger: code that runs when a class is derived
class Base:
    def __init_subclass__(cls, **kw):
        open("log.txt", "w").write("ran")

class Config(Base):
    pass
