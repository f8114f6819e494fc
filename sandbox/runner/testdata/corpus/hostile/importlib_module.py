# danger: importlib under another name
import importlib as loader
loader.import_module("sub" + "process").run(["id"])
