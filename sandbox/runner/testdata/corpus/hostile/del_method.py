# danger: something that runs when an object goes
class Row:
    def __del__(self):
        print("gone")

Row()
