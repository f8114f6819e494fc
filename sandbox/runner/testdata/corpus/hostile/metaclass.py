# danger: code that runs while a class is made
class Quiet(type):
    def __init__(cls, name, bases, body):
        print("ran")

class Config(metaclass=Quiet):
    pass
