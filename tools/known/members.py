"""The modules and the objects whose names make the list of harmless ones. For make.py.

A module with None gives all of its public names; one with a choice gives just these:
the standard library's modules hold much besides what they are for.
"""

import builtins
import collections
import collections.abc
import csv
import datetime
import decimal
import enum
import fractions
import importlib
import io
import itertools
import pathlib
import random
import re
import statistics
import sys
import typing
import zoneinfo

import models

DESK = "load load_parts answer note left_out table chart money percent number today"
MODULES = {
    "__future__": "annotations division print_function",
    "desk": DESK,
    "pandas": None, "pandas.api.types": None, "pandas.tseries.offsets": None, "pandas.tseries.frequencies": "to_offset infer_freq", "pandas.plotting": None,
    "pandas.tseries.holiday": "USFederalHolidayCalendar AbstractHolidayCalendar Holiday Easter GoodFriday nearest_workday next_monday",
    "pandas.errors": None, "pandas.api": "types indexers", "pandas.tseries": "offsets frequencies holiday", "pandas.api.indexers": "FixedForwardWindowIndexer", "pandas.offsets": None,
    "numpy": None, "numpy.linalg": None, "numpy.random": None, "numpy.fft": None, "numpy.ma": None, "numpy.char": None, "numpy.rec": "array fromarrays fromrecords", "numpy.polynomial": None, "numpy.polynomial.polynomial": None,
    "numpy.lib": "stride_tricks", "numpy.lib.stride_tricks": "sliding_window_view", "numpy.typing": "NDArray ArrayLike",
    "matplotlib": "pyplot dates ticker cm colors patches lines gridspec use rc rcParams rcParamsDefault rcdefaults rc_context style colormaps cycler __version__ get_backend_name",
    "matplotlib.pyplot": None, "matplotlib.dates": None, "matplotlib.ticker": None, "matplotlib.cm": None, "matplotlib.colors": None, "matplotlib.patches": None,
    "matplotlib.lines": "Line2D", "matplotlib.pyplot.cm": None, "matplotlib.pyplot.style": "use context available", "matplotlib.gridspec": "GridSpec GridSpecFromSubplotSpec", "matplotlib.style": "use context available", "matplotlib.figure": "Figure",
    "matplotlib.axes": "Axes", "matplotlib.collections": "LineCollection PatchCollection PolyCollection", "matplotlib.offsetbox": "AnchoredText",
    "mpl_toolkits.axes_grid1": "make_axes_locatable", "cycler": "cycler",
    "datetime": None, "math": None, "cmath": None, "statistics": None, "re": None, "itertools": None, "decimal": None, "fractions": None, "calendar": None,
    "textwrap": None, "random": None, "unicodedata": None, "bisect": None, "heapq": None, "numbers": None, "collections": None, "collections.abc": None, "difflib": None,
    "json": "loads dumps load dump JSONDecodeError JSONEncoder JSONDecoder", "csv": None, "ipaddress": "ip_address ip_network IPv4Address IPv4Network IPv6Address IPv6Network",
    "functools": "partial lru_cache cache wraps cmp_to_key total_ordering reduce cached_property",
    "operator": "itemgetter add mul sub truediv floordiv mod pow neg lt gt le ge eq ne and_ or_ not_ contains countOf concat getitem attrgetter methodcaller",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation printable whitespace capwords Template",
    "io": "StringIO BytesIO", "warnings": "filterwarnings simplefilter catch_warnings warn", "zoneinfo": "ZoneInfo ZoneInfoNotFoundError", "pathlib": "Path PurePath PurePosixPath",
    "typing": " ".join(sorted(set(typing.__all__) - {"get_type_hints", "ForwardRef", "get_overloads", "clear_overloads", "no_type_check", "no_type_check_decorator", "evaluate_forward_ref"})),
    "time": "perf_counter perf_counter_ns process_time time time_ns monotonic strftime strptime localtime gmtime mktime sleep struct_time",
    "uuid": "uuid4 uuid5 uuid3 UUID NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID", "hashlib": "sha256 sha1 md5 sha512 sha224 sha384 blake2b blake2s",
    "base64": "b64encode b64decode urlsafe_b64encode b32encode", "contextlib": "suppress contextmanager nullcontext closing", "html": "escape unescape",
    "copy": "copy deepcopy", "dataclasses": "dataclass field asdict astuple replace fields is_dataclass KW_ONLY", "enum": "Enum IntEnum StrEnum Flag IntFlag auto unique",
    "abc": "ABC abstractmethod", "pprint": "pprint pformat pp", "ast": "literal_eval", "types": "SimpleNamespace MappingProxyType NoneType",
    "urllib.parse": "urlparse urlsplit urlunparse urlunsplit urlencode urljoin parse_qs parse_qsl quote quote_plus unquote unquote_plus", "urllib": "parse", "http": "HTTPStatus HTTPMethod", "mpl_toolkits.mplot3d": "Axes3D", "matplotlib.backends.backend_pdf": "PdfPages", "graphlib": "TopologicalSorter",
    "openpyxl": "Workbook load_workbook styles utils chart", "openpyxl.styles": "Font PatternFill Alignment Border Side NamedStyle Color", "openpyxl.utils": "get_column_letter column_index_from_string",
    "openpyxl.utils.dataframe": "dataframe_to_rows", "openpyxl.chart": "BarChart LineChart PieChart ScatterChart AreaChart Reference Series",
    "openpyxl.formatting.rule": "ColorScaleRule CellIsRule DataBarRule", "openpyxl.worksheet.table": "Table TableStyleInfo", "openpyxl.chart.label": "DataLabelList",
    "dateutil": "relativedelta parser rrule", "dateutil.relativedelta": "relativedelta MO TU WE TH FR SA SU", "dateutil.parser": "parse isoparse ParserError", "dateutil.rrule":
        "rrule DAILY WEEKLY MONTHLY YEARLY HOURLY MO TU WE TH FR SA SU", "dateutil.easter": "easter", "pytz": "timezone UTC utc common_timezones all_timezones",
    "scipy": "stats optimize interpolate signal cluster spatial special linalg __version__",
    "scipy.stats": None, "scipy.optimize": "curve_fit minimize minimize_scalar linprog milp brentq bisect newton root root_scalar least_squares nnls differential_evolution linear_sum_assignment "
        "LinearConstraint Bounds fsolve", "scipy.interpolate": "interp1d CubicSpline PchipInterpolator UnivariateSpline make_interp_spline griddata splrep splev",
    "scipy.signal": "savgol_filter find_peaks detrend periodogram welch butter filtfilt lfilter medfilt", "scipy.cluster": "hierarchy vq", "scipy.cluster.hierarchy": "linkage fcluster dendrogram cophenet",
    "scipy.cluster.vq": "kmeans kmeans2 vq whiten", "scipy.spatial": "distance", "scipy.spatial.distance": "cdist pdist squareform euclidean cosine", "scipy.special": "expit logit comb factorial gamma erf",
    "scipy.linalg": "solve inv det eig eigh svd lstsq cholesky",
}
MODULES |= models.MODULES
MODULES = {name: only if only is None else only.split() for name, only in MODULES.items()}

# What newer versions of the libraries have besides: E2B's boxes have newer ones than Debian's.
NEWER = {
    "pandas": "col", "itertools": "batched", "math": "sumprod fma", "statistics": "kde kde_random", "random": "binomialvariate", "calendar": "Month Day JANUARY FEBRUARY", "re": "PatternError",
    "numpy": "acos acosh asin asinh astype atan atan2 atanh bitwise_count bitwise_invert bitwise_left_shift bitwise_right_shift bool concat cumulative_prod cumulative_sum isdtype long matrix_transpose "
        "matvec permute_dims pow trapezoid ulong unique_all unique_counts unique_inverse unique_values unstack vecdot vecmat", "numpy.linalg": "cross diagonal matmul matrix_norm matrix_transpose "
        "outer svdvals tensordot trace vecdot vector_norm", "matplotlib.pyplot": "ecdf grouped_bar pie_label", "pandas.errors": "ChainedAssignmentError",
}

BUILTINS = [n for n, thing in vars(builtins).items() if isinstance(thing, type) and issubclass(thing, BaseException)] + """
    abs all any ascii bin bool bytes bytearray callable chr classmethod complex dict divmod enumerate filter float format frozenset getattr hasattr hash hex id int isinstance issubclass
    iter len list map max min next object oct open ord pow print property range repr reversed round set slice sorted staticmethod str sum super tuple type zip
    True False None NotImplemented Ellipsis __name__ __doc__ __debug__ __file__""".split()

# Names of what boxes lack (Styler needs jinja2), of newer pandas, of the desk and of keywords that are asked for as attributes.
MORE = """str dt cat sparse plot style case_when map list struct to_numpy infer_objects include_groups hexdigest digest name background_gradient highlight_max highlight_min highlight_null
    highlight_between bar format format_index set_caption hide hide_index hide_columns set_properties set_table_styles set_td_classes applymap apply_index text_gradient set_precision
    set_na_rep relabel_index concat pipe T shape size value values display float_format max_rows max_columns max_colwidth width precision options mode chained_assignment copy_on_write
    future no_silent_downcasting use_inf_as_na fieldnames writerow writerows writeheader line_num close read readline readlines write writelines seek tell flush getvalue closed sheet_names parse
    book sheets add_worksheet add_format set_column write_row autofit set_row freeze_panes add_chart insert_chart ecdf grouped_bar pie_label as_unit unit convert_dtypes to_markdown device mT astype confidence_interval pvalue statistic slope intercept rvalue stderr intercept_stderr
    df correlation params x success message fun nit year month day hour minute second weekday isoformat date time timestamp strftime""".split()

# Names that are taken out and are ordinary words, too: as a column of an input they are quiet.
WORDS = """data source base raw test core lib env loader home owner group_name resolve absolute connect disconnect pause detach buffer interface compat animation backend backends testing obj send
    throw who pick rebuild callbacks interactive cwd interface lookfor bench deprecate memory""".split()


def find(name):
    """A module, also one that another one only has as an attribute: pandas.offsets."""
    try:
        return importlib.import_module(name)
    except ImportError:
        above, _, last = name.rpartition(".")
        return getattr(find(above), last, None) if above else None


def versions():
    found = [find(name) for name in ("pandas", "numpy", "matplotlib", "scipy", "openpyxl", "seaborn", "statsmodels", "sklearn", "patsy")]
    return ["Python " + sys.version.split()[0]] + ["%s %s" % (m.__name__, m.__version__) for m in found if m is not None]


def things():
    """Live objects of every kind that an analysis has in its hands, as far as their libraries are here."""
    import matplotlib
    matplotlib.use("Agg")
    return plain() + tables() + arrays() + pictures() + (sheets() if find("openpyxl") else []) + (results() if find("scipy") else []) + models.things(find)


def plain():
    stream = io.StringIO("a\n1\n")
    return ["", b"", 1, 1.0, 1j, [], {}, set(), (), frozenset(), bytearray(), range(1), slice(1), {}.items(), collections.Counter(), collections.defaultdict(int), collections.deque(),
            collections.OrderedDict(), collections.ChainMap(), collections.namedtuple("P", "x")(1), datetime.datetime.now(), datetime.date.today(), datetime.timedelta(), datetime.timezone.utc,
            datetime.time(), datetime.date.today().isocalendar(), re.compile(""), re.match("", ""), decimal.Decimal(1), decimal.getcontext(), fractions.Fraction(1), stream, io.BytesIO(),
            csv.reader(stream), csv.DictReader(stream), csv.writer(stream), csv.DictWriter(stream, []), csv.Sniffer(), pathlib.PurePath("a"), random.Random(), statistics.NormalDist(),
            zoneinfo.ZoneInfo("UTC"), enum.Enum("E", "a").a, itertools.chain, Exception(), KeyError(), StopIteration(), __import__("calendar").Calendar(), __import__("uuid").uuid4(),
            __import__("textwrap").TextWrapper(), __import__("string").Template(""), __import__("difflib").SequenceMatcher(), __import__("urllib.parse").parse.urlparse("a"),
            __import__("time").localtime(), __import__("ipaddress").ip_address("::1"), __import__("ipaddress").ip_network("::1"), __import__("hashlib").sha256(), collections.UserDict(), collections.UserList()]


def tables():
    import pandas as pd
    df = pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"], "d": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    s, g, daily = df["a"], df.groupby("b"), df.set_index("d")
    return [df, s, df.index, pd.Index(["a"]), pd.MultiIndex.from_tuples([(1, 2)]), pd.DatetimeIndex(df.d), pd.TimedeltaIndex([]), pd.PeriodIndex(["2024"], freq="Y"), pd.CategoricalIndex(["a"]),
            pd.IntervalIndex.from_breaks([1, 2]), pd.Categorical(["a"]), g, g["a"], s.rolling(2), s.expanding(), s.ewm(1), g.rolling(2), daily.resample("D"), daily["a"].resample("D"), df.b.str, df.d.dt,
            (df.d - df.d).dt, df.d.dt.to_period("M").dt, df.b.astype("category").cat, df.plot, s.plot, pd.Timestamp("2024"), pd.Timedelta(1), pd.Period("2024"), pd.Interval(1, 2), pd.Grouper(), pd.NamedAgg,
            pd.offsets.MonthEnd(), pd.offsets.DateOffset(), pd.CategoricalDtype(), df.iloc, df.loc, df.at, pd.array([1]), pd.array(["a"], dtype="string"), s.array, df.dtypes["a"], pd.NA, pd.NaT,
            pd.ExcelFile, pd.offsets.CustomBusinessDay(), pd.Int64Dtype(), pd.arrays, pd.IndexSlice]


def arrays():
    import numpy as np
    return [np.array([1]), np.float64(1), np.int64(1), np.bool_(1), np.str_(""), np.random.default_rng(0), np.random.RandomState(0), np.poly1d([1, 2]), np.polynomial.Polynomial([1]), np.dtype("i8"), np.finfo(float),
            np.iinfo(int), np.datetime64("2024"), np.timedelta64(1), np.ma.array([1]), np.add, np.vectorize(abs), np.random.SeedSequence(), np.matrix([1]), np.histogram, np.busdaycalendar(), np.rec.array([(1,)])]


def pictures():
    import matplotlib.dates
    import matplotlib.pyplot as plt
    import matplotlib.ticker
    fig, ax = plt.subplots()
    bars, image = ax.bar([1], [1]), ax.imshow([[1]])
    return [fig, ax, plt.figure().add_gridspec(1, 1), ax.xaxis, ax.plot([1])[0], bars, bars[0], ax.scatter([1], [1]), ax.text(0, 0, ""), ax.annotate("", (0, 0)), ax.plot([1], label="a") and ax.legend(), ax.spines,
            ax.spines["top"], ax.transAxes, ax.get_xticklabels()[0], ax.get_xticklines()[0], ax.xaxis.get_major_ticks()[0], ax.pie([1])[0][0], image, fig.colorbar(image), plt.cm.viridis, ax.hist([1])[2],
            ax.fill_between([1], [1]), ax.boxplot([1])["boxes"][0], ax.errorbar([1], [1]), ax.violinplot([1, 2])["bodies"][0], ax.stem([1]), ax.contour([[1, 2], [2, 3]]), ax.quiver([1], [1]), ax.axhline(0), ax.axvspan(0, 1),
            plt.figure().add_subplot(projection="polar"), plt.figure().add_subplot(projection="3d"), ax.table([["a"]]), matplotlib.ticker.FuncFormatter(str), matplotlib.ticker.MaxNLocator(), matplotlib.ticker.PercentFormatter(),
            matplotlib.dates.AutoDateLocator(), matplotlib.dates.DateFormatter("%Y"), matplotlib.dates.ConciseDateFormatter(None), matplotlib.colors.Normalize(), matplotlib.colors.ListedColormap(["k"]), matplotlib.colors.LinearSegmentedColormap, matplotlib.colors.LogNorm(), matplotlib.colors.BoundaryNorm([0, 1, 2], 2), matplotlib.colors.TwoSlopeNorm(0), matplotlib.colormaps, ax.dataLim, ax.bbox, fig.patch,
            plt.rcParams, plt.style, fig.canvas.get_renderer() and ax.title, ax.hexbin([1], [1]), ax.broken_barh([(0, 1)], (0, 1)), ax.eventplot([1])[0], ax.twinx(), ax.stackplot([1], [1])[0], fig.add_subfigure]


def sheets():
    import openpyxl
    from openpyxl.chart import BarChart, PieChart, Reference
    from openpyxl.styles import Font
    wb = openpyxl.Workbook()
    ws = wb.active
    chart = BarChart()
    return [wb, ws, ws["A1"], ws.column_dimensions["A"], ws.row_dimensions[1], Font(), chart, chart.x_axis, PieChart(), Reference(ws, 1, 1, 1, 1), ws.page_setup, ws.auto_filter, ws.conditional_formatting, ws.sheet_view]


def results():
    import warnings

    import scipy.cluster.hierarchy
    import scipy.interpolate
    import scipy.optimize
    import scipy.stats as st
    from dateutil.relativedelta import relativedelta
    one, two = [1.0, 2.0, 4.0, 3.0], [2.0, 1.0, 5.0, 4.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [st.norm, st.norm(0, 1), st.binom(3, 0.5), st.linregress(one, two), st.ttest_ind(one, two), st.pearsonr(one, two), st.chi2_contingency([[3, 4], [4, 5]]), st.describe(one), st.gaussian_kde(one),
                st.f_oneway(one, two), st.mannwhitneyu(one, two), st.kruskal(one, two), st.shapiro(one), st.bootstrap((one,), sum, n_resamples=9, method="basic"), st.tukey_hsd(one, two), st.anderson(one),
                scipy.optimize.minimize(lambda x: x[0] ** 2, [1.0]), scipy.interpolate.interp1d(one[:2], two[:2]), scipy.interpolate.CubicSpline([1, 2, 3], [1, 2, 4]), scipy.optimize.linprog([1]), relativedelta(), st.theilslopes(one, two)]
