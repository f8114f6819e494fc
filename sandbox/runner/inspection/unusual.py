"""What an analysis rarely needs, and what it says about code that does it. Loaded by findings.py."""

NETWORK = {"socket", "ssl", "urllib", "http", "ftplib", "smtplib", "imaplib", "poplib", "nntplib", "telnetlib", "xmlrpc",
           "socketserver", "_socket", "_ssl", "wsgiref", "requests", "httpx", "aiohttp", "urllib3", "boto3", "botocore", "websocket",
           "websockets", "paramiko", "pycurl", "grpc", "webbrowser", "antigravity", "asyncore", "asynchat", "smtpd"}
HARMLESS = {"urllib.parse", "http.HTTPStatus", "importlib.metadata", "logging.handlers"}
AT_ONCE = "runs things at the same time: not in the order in which they stand"
HIDDEN = "can run code that is hidden in data"
# module -> level, kind, what it is for
UNUSUAL = {
    "os": ("danger", "system", "reaches files, programs and the environment"), "sys": ("danger", "system", "reaches the running program"),
    "subprocess": ("danger", "process", "starts other programs"), "_posixsubprocess": ("danger", "process", "starts other programs"),
    "pty": ("danger", "process", "starts other programs"), "posix": ("danger", "system", "reaches the system past Python's os"),
    "multiprocessing": ("danger", "process", "starts copies of the program"), "concurrent": ("caution", "thread", AT_ONCE),
    "asyncio": ("caution", "thread", AT_ONCE), "sched": ("caution", "thread", "runs things later"),
    "threading": ("danger", "thread", AT_ONCE), "_thread": ("danger", "thread", AT_ONCE),
    "signal": ("danger", "signal", "changes how the program reacts to being stopped"), "_signal": ("danger", "signal", "changes how the program reacts to being stopped"),
    "ctypes": ("danger", "machine code", "calls machine code directly"), "_ctypes": ("danger", "machine code", "calls machine code directly"),
    "cffi": ("danger", "machine code", "calls machine code directly"),
    "mmap": ("caution", "system", "maps memory"), "fcntl": ("danger", "system", "changes open files"), "resource": ("danger", "system", "changes limits"),
    "pwd": ("caution", "system", "lists the machine's users"), "grp": ("caution", "system", "lists the machine's groups"),
    "pickle": ("caution", "pickle", HIDDEN), "_pickle": ("danger", "pickle", HIDDEN), "marshal": ("danger", "pickle", HIDDEN),
    "shelve": ("danger", "pickle", HIDDEN), "dill": ("danger", "pickle", HIDDEN), "joblib": ("danger", "pickle", HIDDEN),
    "copyreg": ("danger", "pickle", HIDDEN), "dbm": ("caution", "write", "keeps files of its own"),
    "importlib": ("danger", "dynamic code", "loads code by computed names"), "imp": ("danger", "dynamic code", "loads code by computed names"),
    "zipimport": ("danger", "dynamic code", "loads code out of archives"), "pkgutil": ("danger", "dynamic code", "loads code by computed names"),
    "runpy": ("danger", "dynamic code", "runs other code"), "code": ("danger", "dynamic code", "runs text as code"),
    "codeop": ("danger", "dynamic code", "runs text as code"), "pdb": ("danger", "dynamic code", "runs text as code"),
    "bdb": ("danger", "dynamic code", "runs text as code"), "doctest": ("danger", "dynamic code", "runs text as code"),
    "profile": ("danger", "dynamic code", "runs text as code"), "cProfile": ("danger", "dynamic code", "runs text as code"),
    "trace": ("danger", "dynamic code", "runs text as code"), "timeit": ("caution", "dynamic code", "can run text as code"),
    "builtins": ("danger", "reflection", "reaches Python's own functions"), "gc": ("danger", "reflection", "reaches every object in the program"),
    "inspect": ("danger", "reflection", "looks into the running program"), "faulthandler": ("danger", "reflection", "looks into the running program"),
    "dis": ("caution", "reflection", "looks into the running program"), "tracemalloc": ("caution", "reflection", "looks into the running program"),
    "pydoc": ("danger", "process", "can start other programs"), "tkinter": ("danger", "dynamic code", "runs text as code"), "_tkinter": ("danger", "dynamic code", "runs text as code"),
    "unittest": ("caution", "change", "can put something else in the place of a function"), "test": ("danger", "system", "is for those who make Python"),
    "venv": ("danger", "process", "starts other programs"), "ensurepip": ("danger", "process", "starts other programs"), "distutils": ("danger", "process", "starts other programs"),
    "modulefinder": ("danger", "dynamic code", "reads code as Python does"), "compileall": ("danger", "dynamic code", "makes code out of text"), "py_compile": ("danger", "dynamic code", "makes code out of text"),
    "lib2to3": ("danger", "dynamic code", "is for those who make Python"), "idlelib": ("danger", "dynamic code", "runs text as code"), "zipapp": ("danger", "dynamic code", "packs programs"),
    "atexit": ("danger", "exit", "runs something after the end"), "site": ("danger", "system", "changes how Python starts"),
}
PICKLED = ("danger", "pickle", "Loads a pickle, which can run anything that is hidden in it.")
# name -> level, kind, sentence
CALLS = {
    "eval": ("danger", "dynamic code", "Runs text as code (eval)."), "exec": ("danger", "dynamic code", "Runs text as code (exec)."),
    "compile": ("danger", "dynamic code", "Makes code out of text (compile)."),
    "__import__": ("danger", "dynamic code", "Imports by a computed name (__import__)."),
    "breakpoint": ("danger", "dynamic code", "Starts a debugger, which nobody can answer."),
    "types.FunctionType": ("danger", "dynamic code", "Makes a function out of raw code (types)."), "types.CodeType": ("danger", "dynamic code", "Makes a function out of raw code (types)."),
    "types.ModuleType": ("danger", "dynamic code", "Makes a module of its own (types)."),
    "codecs.register": ("danger", "dynamic code", "Hooks itself into how text is read (codecs)."), "codecs.register_error": ("danger", "dynamic code", "Hooks itself into how text is read (codecs)."),
    "weakref.finalize": ("danger", "exit", "Runs something when an object goes, where nobody looks for it (weakref)."),
    "zipfile.main": ("danger", "write", "Unpacks an archive to wherever it is told (zipfile)."), "tarfile.main": ("danger", "write", "Unpacks an archive to wherever it is told (tarfile)."),
    "input": ("caution", "wait", "Asks somebody for input; nobody is there to answer."),
    "os._exit": ("danger", "exit", "Ends the program without a result (os._exit)."), "os.abort": ("danger", "exit", "Ends the program without a result (os.abort)."),
    "os.system": ("danger", "process", "Starts another program (os.system)."), "os.popen": ("danger", "process", "Starts another program (os.popen)."),
    "os.fork": ("danger", "process", "Makes a copy of the program (os.fork)."), "os.forkpty": ("danger", "process", "Makes a copy of the program (os.forkpty)."),
    "os.kill": ("danger", "process", "Ends or signals processes (os.kill)."), "os.killpg": ("danger", "process", "Ends or signals processes (os.killpg)."),
    "os.remove": ("caution", "delete", "Deletes files (os.remove)."), "os.unlink": ("caution", "delete", "Deletes files (os.unlink)."),
    "os.rmdir": ("caution", "delete", "Deletes folders (os.rmdir)."), "os.removedirs": ("caution", "delete", "Deletes folders (os.removedirs)."),
    "os.rename": ("caution", "write", "Renames files (os.rename)."), "os.replace": ("caution", "write", "Renames files (os.replace)."),
    "os.symlink": ("danger", "write", "Makes links between files (os.symlink)."), "os.link": ("danger", "write", "Makes links between files (os.link)."),
    "os.chdir": ("caution", "system", "Changes the working folder (os.chdir)."), "os.getenv": ("caution", "environment", "Reads the environment (os.getenv)."),
    "os.walk": ("note", "list", "Lists files (os.walk)."), "os.listdir": ("note", "list", "Lists files (os.listdir)."), "os.scandir": ("note", "list", "Lists files (os.scandir)."),
    "glob.glob": ("note", "list", "Lists files (glob)."), "glob.iglob": ("note", "list", "Lists files (glob)."),
    "shutil.rmtree": ("danger", "delete", "Deletes whole folders (shutil.rmtree)."), "shutil.move": ("caution", "write", "Moves files (shutil.move)."),
    "shutil.copy": ("caution", "write", "Copies files (shutil.copy)."), "shutil.copyfile": ("caution", "write", "Copies files (shutil.copyfile)."),
    "shutil.copytree": ("danger", "write", "Copies whole folders (shutil.copytree)."), "shutil.make_archive": ("caution", "write", "Packs files (shutil.make_archive)."),
    "shutil.unpack_archive": ("caution", "write", "Unpacks files (shutil.unpack_archive)."),
    "pickle.load": PICKLED, "pickle.loads": PICKLED, "pickle.Unpickler": PICKLED, "pandas.read_pickle": PICKLED, "pandas.io.pickle.read_pickle": PICKLED,
    "joblib.load": PICKLED, "pandas.read_hdf": PICKLED, "pandas.HDFStore": PICKLED,
    "pandas.read_clipboard": ("danger", "process", "Starts another program, for the clipboard (read_clipboard)."),
    "pandas.read_gbq": ("danger", "network", "Reads from a database in the cloud (read_gbq)."),
    "numpy.ctypeslib": ("danger", "machine code", "Calls machine code directly (numpy.ctypeslib)."), "numpy.f2py": ("danger", "process", "Starts a compiler (numpy.f2py)."),
    "sys._getframe": ("danger", "reflection", "Reaches into the running program (sys._getframe)."),
    "sys.settrace": ("danger", "reflection", "Reaches into the running program (sys.settrace)."),
    "sys.setprofile": ("danger", "reflection", "Reaches into the running program (sys.setprofile)."),
    "sys.addaudithook": ("danger", "reflection", "Reaches into the running program (sys.addaudithook)."),
    "sys.path": ("danger", "dynamic code", "Looks at or changes where Python loads code from (sys.path)."),
    "sys.modules": ("danger", "reflection", "Reaches into Python's own machinery (sys.modules)."),
    "sys.setrecursionlimit": ("caution", "system", "Lifts Python's limit of nesting (sys.setrecursionlimit)."),
    "base64.b64decode": ("caution", "packed", "Unpacks text that cannot be read here (base64)."), "codecs.decode": ("caution", "packed", "Unpacks text that cannot be read here (codecs)."),
    "bytes.fromhex": ("caution", "packed", "Unpacks text that cannot be read here (fromhex)."), "zlib.decompress": ("caution", "packed", "Unpacks text that cannot be read here (zlib)."),
    "binascii.unhexlify": ("caution", "packed", "Unpacks text that cannot be read here (unhexlify)."),
    "chr": ("caution", "packed", "Builds text from character numbers (chr)."),
    "logging.handlers.SocketHandler": ("danger", "network", "Sends its log over the network."), "logging.handlers.DatagramHandler": ("danger", "network", "Sends its log over the network."),
    "logging.handlers.HTTPHandler": ("danger", "network", "Sends its log over the network."), "logging.handlers.SMTPHandler": ("danger", "network", "Sends its log over the network."),
    "logging.handlers.SysLogHandler": ("danger", "network", "Sends its log over the network."),
    "logging.config": ("danger", "dynamic code", "Configures logging, which can run anything by its name (logging.config)."),
    "asyncio.open_connection": ("danger", "network", "Connects to another machine (asyncio)."), "asyncio.start_server": ("danger", "network", "Listens on the network (asyncio)."),
    "asyncio.open_unix_connection": ("danger", "network", "Connects to another program (asyncio)."),
    "asyncio.subprocess": ("danger", "process", "Starts another program (asyncio)."), "concurrent.futures.ProcessPoolExecutor": ("danger", "process", "Starts copies of the program (ProcessPoolExecutor)."),
}
PREFIXES = {
    "concurrent.futures.process": ("danger", "process", "Starts copies of the program (ProcessPoolExecutor)."),
    "unittest.mock": ("danger", "change", "Puts something else in the place of a function (unittest.mock)."),
    "numpy.testing.assert_": None, "numpy.testing.": ("danger", "dynamic code", "Uses what numpy's makers test it with, which runs text as code (numpy.testing)."),
    "numpy.distutils": ("danger", "process", "Starts a compiler (numpy.distutils)."), "numpy.compat": ("danger", "reflection", "Uses what numpy keeps for itself (numpy.compat)."),
    "numpy.DataSource": ("danger", "read", "Opens files and addresses by numpy's own way (DataSource)."),
    "pandas.compat": ("danger", "reflection", "Uses what pandas keeps for itself (pandas.compat)."),
    "pandas.io.common": ("danger", "read", "Opens files and addresses by pandas' own way (pandas.io.common)."),
    "matplotlib.animation.FFMpeg": ("danger", "process", "Starts another program, for a movie (matplotlib.animation)."),
    "matplotlib.animation.ImageMagick": ("danger", "process", "Starts another program, for a movie (matplotlib.animation)."),
    "matplotlib.animation.MovieWriter": ("danger", "process", "Starts another program, for a movie (matplotlib.animation)."),
    "matplotlib.testing": ("danger", "process", "Uses what matplotlib's makers test it with, which starts programs (matplotlib.testing)."),
    "matplotlib.texmanager": ("danger", "process", "Starts LaTeX to draw texts (matplotlib.texmanager)."), "matplotlib.dviread": ("danger", "process", "Starts LaTeX to draw texts (matplotlib.dviread)."),
    "subprocess.": ("danger", "process", "Starts another program (subprocess)."), "os.exec": ("danger", "process", "Starts another program (os.exec)."),
    "os.spawn": ("danger", "process", "Starts another program (os.spawn)."), "os.posix_spawn": ("danger", "process", "Starts another program (os.posix_spawn)."),
    "asyncio.create_subprocess": ("danger", "process", "Starts another program (asyncio)."), "gc.get_": ("danger", "reflection", "Reaches every object in the program (gc)."),
    "pandas.io.clipboard": ("danger", "process", "Starts another program, for the clipboard."),
}
# What is ordinary of the modules that reach the system; all else of them is a danger.
FINE = {
    "os": {"path", "sep", "linesep", "getcwd", "listdir", "scandir", "walk", "makedirs", "mkdir", "environ", "getenv", "stat", "cpu_count", "name", "pathsep",
           "curdir", "pardir", "extsep", "devnull", "fspath", "fsdecode", "fsencode", "PathLike", "DirEntry", "access", "R_OK", "F_OK", "error", "getpid",
           "urandom", "times", "uname", "get_terminal_size", "chdir", "remove", "unlink", "rmdir", "removedirs", "rename", "replace"},
    "sys": {"version", "version_info", "argv", "exit", "stdout", "stderr", "stdin", "path", "maxsize", "float_info", "int_info", "getsizeof", "platform", "byteorder",
            "executable", "setrecursionlimit", "getrecursionlimit", "intern", "exc_info", "getdefaultencoding", "maxunicode", "hash_info", "flags", "implementation"},
}
# Modules that are a danger wherever they are reached, also through others.
DEEP = {"os", "sys", "posix", "subprocess", "builtins", "socket", "shutil", "ctypes", "importlib", "gc", "pickle", "marshal", "multiprocessing", "ctypeslib"}
# These are a danger, or worth a look, also when another module is the way to them. trace, code and profile are usual names of other things.
THROUGH = (DEEP | NETWORK | set(UNUSUAL)) - {"trace", "code", "profile", "test"}
# Methods that are a danger whatever they are called on.
METHODS = {
    "subprocess_shell": "process", "subprocess_exec": "process", "create_subprocess_shell": "process", "create_subprocess_exec": "process", "ProcessPoolExecutor": "process",
    "spawnl": "process", "spawnv": "process", "spawnlp": "process", "spawnvp": "process", "execl": "process", "execlp": "process", "execle": "process",
    "create_server": "network", "add_signal_handler": "signal",
    "system": "process", "popen": "process", "Popen": "process", "check_output": "process", "check_call": "process", "getoutput": "process", "getstatusoutput": "process",
    "execv": "process", "execve": "process", "execvp": "process", "fork": "process", "forkpty": "process", "posix_spawn": "process", "to_clipboard": "process",
    "urlopen": "network", "urlretrieve": "network", "create_connection": "network", "import_module": "dynamic code", "load_module": "dynamic code", "exec_module": "dynamic code",
    "CDLL": "machine code", "LoadLibrary": "machine code", "enable_load_extension": "machine code", "load_extension": "machine code",
    "symlink_to": "write", "hardlink_to": "write", "link_to": "write", "add_done_callback": "thread",
}
# Attributes through which Python's machinery is reached. Other names with two underscores are, too, unless they are ORDINARY.
WALKS = {"f_globals", "f_locals", "f_back", "f_builtins", "f_code", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "tb_frame", "co_code", "mro",
         "func_globals", "modules"}
ORDINARY = {"__name__", "__doc__", "__file__", "__init__", "__version__", "__qualname__", "__module__", "__len__", "__str__", "__repr__", "__eq__", "__lt__", "__le__", "__gt__",
            "__ge__", "__ne__", "__hash__", "__add__", "__sub__", "__mul__", "__truediv__", "__neg__", "__iter__", "__next__", "__contains__", "__getitem__", "__setitem__",
            "__enter__", "__exit__", "__call__", "__post_init__", "__traceback__", "__cause__", "__context__", "__main__", "__format__", "__float__", "__int__", "__bool__",
            "__abs__", "__round__", "__annotations__", "__all__", "__notes__", "__future__"}
MACHINERY = {"__class__", "__subclasses__", "__globals__", "__builtins__", "__import__", "__mro__", "__bases__", "__base__", "__code__", "__closure__", "__dict__", "__getattribute__",
             "__loader__", "__spec__", "__reduce__", "__reduce_ex__", "__self__", "__func__", "__wrapped__", "__subclasshook__", "__init_subclass__", "__kwdefaults__", "__defaults__"}
# Methods that Python calls by itself, where no call is to be seen.
UNSEEN = {"__reduce__": "pickle", "__reduce_ex__": "pickle", "__setstate__": "pickle", "__getattribute__": "reflection", "__init_subclass__": "reflection", "__set_name__": "reflection",
          "__prepare__": "reflection", "__class_getitem__": "reflection", "__instancecheck__": "reflection", "__del__": "exit", "__mro_entries__": "reflection"}
READS = {"desk.load", "desk.load_parts", "open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "io.FileIO", "io.open_code", "tokenize.open", "linecache.getline", "linecache.getlines",
         "fileinput.input", "zipfile.ZipFile", "tarfile.open", "pandas.ExcelFile", "numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap",
         "openpyxl.load_workbook", "matplotlib.pyplot.imread", "matplotlib.image.imread", "matplotlib.style.use", "matplotlib.pyplot.style.use", "matplotlib.rc_file",
         "PIL.Image.open", "configparser.ConfigParser.read", "sqlite3.connect", "pandas.HDFStore"}
WRITES = {"to_csv", "to_excel", "to_json", "to_parquet", "to_html", "to_pickle", "to_feather", "to_hdf", "to_latex", "to_markdown", "to_string",
          "to_xml", "savefig", "to_stata", "tofile", "to_orc"}
WRITE_CALLS = {"numpy.save", "numpy.savetxt", "numpy.savez", "numpy.savez_compressed", "pandas.ExcelWriter", "matplotlib.pyplot.imsave", "matplotlib.backends.backend_pdf.PdfPages",
               "logging.FileHandler", "logging.handlers.RotatingFileHandler", "logging.handlers.TimedRotatingFileHandler", "logging.basicConfig", "os.makedirs", "os.mkdir"}
# Methods of a path that write; they are told by themselves.
PATH_WRITES = {"write_text", "write_bytes", "touch", "mkdir", "open"}
# What these are usually called; under another's name they deceive.
USUAL_NAMES = {"pd": {"pandas"}, "np": {"numpy"}, "plt": {"matplotlib.pyplot"}, "mpl": {"matplotlib"}, "sns": {"seaborn"}, "dt": {"datetime", "matplotlib.dates", "datetime.datetime"}}
# Libraries in which much can be reached in several ways: pandas.io.parsers.read_csv is pandas.read_csv.
LIBRARIES = {"pandas", "numpy", "matplotlib", "concurrent"}
# Ordinary although they are called like a method that is a danger.
NO_METHODS = {"platform.system"}


def library_name(library, last):
    """The usual name of what a library calls so in some place, if this file knows it."""
    if library == "pandas" and (last.startswith("read_") or last == "eval"):
        return "pandas." + last
    return SHORT.get((library, last), "")


SHORT = {(name.partition(".")[0], name.rpartition(".")[2]): name for name in sorted(set(CALLS) | READS | WRITE_CALLS) if name.partition(".")[0] in LIBRARIES}
