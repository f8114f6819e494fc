"""What an analysis rarely needs, and what it says about code that does it. Loaded by inspect.py."""

NETWORK = {"socket", "ssl", "urllib", "http", "ftplib", "smtplib", "imaplib", "poplib", "nntplib", "telnetlib", "xmlrpc",
           "socketserver", "asyncio", "requests", "httpx", "aiohttp", "urllib3", "boto3", "botocore", "websocket",
           "websockets", "paramiko", "pycurl", "grpc", "webbrowser"}
HARMLESS = {"urllib.parse", "http.HTTPStatus"}
# module -> level, what it is for
UNUSUAL = {
    "subprocess": ("danger", "starts other programs"), "pty": ("danger", "starts other programs"),
    "multiprocessing": ("caution", "starts copies of the program"), "concurrent": ("caution", "runs things at the same time"),
    "threading": ("caution", "runs things at the same time"), "_thread": ("caution", "runs things at the same time"),
    "signal": ("caution", "changes how the program reacts to being stopped"),
    "ctypes": ("danger", "calls machine code directly"), "cffi": ("danger", "calls machine code directly"),
    "mmap": ("caution", "maps memory"), "fcntl": ("caution", "changes open files"), "resource": ("caution", "changes limits"),
    "pickle": ("caution", "can run code that is hidden in data"), "marshal": ("danger", "can run code that is hidden in data"),
    "shelve": ("caution", "can run code that is hidden in data"), "dill": ("danger", "can run code that is hidden in data"),
    "joblib": ("caution", "can run code that is hidden in data"), "importlib": ("danger", "loads code by computed names"),
    "runpy": ("danger", "runs other code"), "code": ("danger", "runs text as code"), "codeop": ("danger", "runs text as code"),
    "imp": ("danger", "loads code by computed names"), "pkgutil": ("caution", "looks for code"),
    "builtins": ("danger", "reaches Python's own functions"), "gc": ("danger", "reaches every object in the program"),
    "inspect": ("caution", "looks into the running program"), "faulthandler": ("caution", "looks into the running program"),
    "atexit": ("caution", "runs something after the end"), "site": ("caution", "changes how Python starts"),
}
CALLS = {
    "eval": ("danger", "Runs text as code (eval)."), "exec": ("danger", "Runs text as code (exec)."),
    "compile": ("danger", "Makes code out of text (compile)."), "__import__": ("danger", "Imports by a computed name (__import__)."),
    "breakpoint": ("caution", "Starts a debugger, which nobody can answer."),
    "input": ("caution", "Asks somebody for input; nobody is there to answer."),
    "globals": ("caution", "Looks at all of the program's names (globals)."), "locals": ("caution", "Looks at all names in a function (locals)."),
    "os.system": ("danger", "Starts another program (os.system)."), "os.popen": ("danger", "Starts another program (os.popen)."),
    "os.fork": ("danger", "Makes a copy of the program (os.fork)."), "os.forkpty": ("danger", "Makes a copy of the program (os.forkpty)."),
    "os.kill": ("danger", "Ends or signals processes (os.kill)."), "os.killpg": ("danger", "Ends or signals processes (os.killpg)."),
    "os._exit": ("caution", "Ends the program without a result (os._exit)."),
    "os.remove": ("caution", "Deletes files (os.remove)."), "os.unlink": ("caution", "Deletes files (os.unlink)."),
    "os.rmdir": ("caution", "Deletes folders (os.rmdir)."), "os.removedirs": ("caution", "Deletes folders (os.removedirs)."),
    "os.rename": ("caution", "Renames files (os.rename)."), "os.replace": ("caution", "Renames files (os.replace)."),
    "os.symlink": ("caution", "Makes links between files (os.symlink)."), "os.link": ("caution", "Makes links between files (os.link)."),
    "os.chmod": ("caution", "Changes who may use a file (os.chmod)."), "os.chdir": ("caution", "Changes the working folder (os.chdir)."),
    "os.getenv": ("caution", "Reads the environment (os.getenv)."),
    "os.walk": ("note", "Lists files (os.walk)."), "os.listdir": ("note", "Lists files (os.listdir)."), "os.scandir": ("note", "Lists files (os.scandir)."),
    "glob.glob": ("note", "Lists files (glob)."), "glob.iglob": ("note", "Lists files (glob)."),
    "shutil.rmtree": ("danger", "Deletes whole folders (shutil.rmtree)."), "shutil.move": ("caution", "Moves files (shutil.move)."),
    "shutil.copy": ("caution", "Copies files (shutil.copy)."),
    "pickle.load": ("danger", "Loads a pickle, which can run anything that is hidden in it."),
    "pickle.loads": ("danger", "Loads a pickle, which can run anything that is hidden in it."),
    "pandas.read_pickle": ("danger", "Loads a pickle, which can run anything that is hidden in it."),
    "sys._getframe": ("danger", "Reaches into the running program (sys._getframe)."),
    "sys.settrace": ("danger", "Reaches into the running program (sys.settrace)."),
    "sys.setprofile": ("danger", "Reaches into the running program (sys.setprofile)."),
    "sys.addaudithook": ("danger", "Reaches into the running program (sys.addaudithook)."),
    "sys.setrecursionlimit": ("caution", "Lifts Python's limit of nesting (sys.setrecursionlimit)."),
    "base64.b64decode": ("caution", "Unpacks text that cannot be read here (base64)."), "codecs.decode": ("caution", "Unpacks text that cannot be read here (codecs)."),
    "bytes.fromhex": ("caution", "Unpacks text that cannot be read here (fromhex)."), "zlib.decompress": ("caution", "Unpacks text that cannot be read here (zlib)."),
    "binascii.unhexlify": ("caution", "Unpacks text that cannot be read here (unhexlify)."),
    "chr": ("caution", "Builds text from character numbers (chr)."),
}
PREFIXES = {"subprocess.": ("danger", "Starts another program (subprocess)."), "os.exec": ("danger", "Starts another program (os.exec)."), "os.spawn": ("danger", "Starts another program (os.spawn)."),
            "os.posix_spawn": ("danger", "Starts another program (os.posix_spawn)."),
            "gc.get_": ("danger", "Reaches every object in the program (gc).")}
WALKS = {"__class__", "__subclasses__", "__globals__", "__builtins__", "__mro__", "__bases__", "__base__", "__code__", "__closure__",
         "__dict__", "__getattribute__", "__import__", "__loader__", "__spec__", "__reduce__", "__reduce_ex__", "__self__",
         "__func__", "__wrapped__", "f_globals", "f_locals", "f_back", "f_builtins", "gi_frame", "cr_frame", "tb_frame", "modules"}
READS = {"open", "io.open", "pandas.ExcelFile", "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile",
         "openpyxl.load_workbook", "matplotlib.pyplot.imread", "PIL.Image.open"}
WRITES = {"to_csv", "to_excel", "to_json", "to_parquet", "to_html", "to_pickle", "to_feather", "to_hdf", "to_latex", "to_markdown",
          "to_xml", "savefig", "to_stata", "tofile"}
WRITE_CALLS = {"numpy.save", "numpy.savetxt", "numpy.savez", "numpy.savez_compressed", "pandas.ExcelWriter", "matplotlib.pyplot.imsave"}
