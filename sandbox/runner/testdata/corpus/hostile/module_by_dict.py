# danger: a module out of a dictionary
import pathlib
tools = {"read": pathlib}
tools["read"].os.system("id")
