"""A column in the type that its reading names."""

import numpy
import pandas

from . import values


def dtype(column):
    """The dtype that a column has in the program."""
    kind = column["type"]
    if kind in ("date", "date and time"):
        return "datetime64[ns, UTC]" if column.get("zone") else "datetime64[ns]"
    if kind == "integer":
        # numpy's whole numbers have nothing for what is missing; a float has NaN.
        return "float64" if column["missing"] else "int64"
    return {"number": "float64", "boolean": "object" if column["missing"] else "bool"}.get(kind, "object")


def convert(series, column):
    """A series of what stands in the file in the type of its reading."""
    kind = column["type"]
    if column.get("unit"):
        return moments(series, column)
    if kind in ("integer", "number"):
        return numeric(series, column)
    if kind in ("date", "date and time"):
        return dated(series, column)
    if kind == "boolean":
        made = [truth(v) for v in series]
        return pandas.Series(made, index=series.index, dtype=object if column["missing"] else bool)
    if kind in ("nested",):
        return series.astype(object)
    return pandas.Series([written(v) for v in series], index=series.index, dtype=object)


def numeric(series, column):
    whole = column["type"] == "integer" and not column["missing"]
    fast = None
    if not column.get("percent") and not column.get("currency") and not column.get("thousands"):
        plain = series.str.replace(",", ".", regex=False) if column.get("decimal") == "," and series.dtype == object and not column.get("missing") else series
        fast = pandas.to_numeric(plain, errors="coerce")
        # Only where it could read all of them: else each value is told by its form, and what is missing by its word.
        if not fast.isna().any():
            return fast.astype("int64" if whole else "float64")
    cache = {}
    out = numpy.empty(len(series), dtype="float64")
    for i, v in enumerate(series):
        if isinstance(v, str):
            if v not in cache:
                cache[v] = values.number(v, column.get("decimal", ".")) if values.form(v)[0] == "number" else numpy.nan
            out[i] = cache[v]
        else:
            out[i] = v if isinstance(v, (int, float)) and not isinstance(v, bool) else numpy.nan
    made = pandas.Series(out, index=series.index)
    return made.astype("int64") if whole and not made.isna().any() else made


def moments(series, column):
    found = numeric(series, dict(column, type="number", unit=None, missing=1))
    unit = column["unit"]
    if unit == "compact_days":
        days = found.map(lambda n: "%d" % n, na_action="ignore")
        return pandas.to_datetime(days, format="%Y%m%d", errors="coerce")
    if unit == "excel_days":
        # A fraction of a day is a float: without rounding 12:00 may come out as a few nanoseconds before it.
        return (pandas.Timestamp("1899-12-30") + pandas.to_timedelta(found, unit="D")).dt.round("ms")
    return pandas.to_datetime(found, unit="ms" if unit == "unix_milliseconds" else "s")


def dated(series, column):
    cache, first, zone = {}, column["day_first"], column.get("zone")
    out = []
    for v in series:
        if v not in cache:
            made = values.date(v, first) if isinstance(v, str) and values.form(v)[0] == "date" else v if hasattr(v, "year") else None
            cache[v] = made if made is not None and values.FIRST <= made.year <= values.LAST else pandas.NaT
        out.append(cache[v])
    made = pandas.Series(pandas.to_datetime(out), index=series.index)
    return made.dt.tz_localize("UTC") if zone else made


def truth(value):
    return value if isinstance(value, bool) else values.BOOLEANS.get(values.bare(value).lower()) if isinstance(value, str) else None


def written(value):
    """A value of a column of texts: as it stands, None where it is missing."""
    if value is None or type(value).__name__ == "CellError":
        return None
    if isinstance(value, str):
        f = values.form(value)
        kept = values.TEXT_BY_FORMULA.fullmatch(value.strip())
        return None if f[0] in ("empty", "error") or f[:2] == ("missing", "always") else kept[1] if kept else value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if hasattr(value, "isoformat"):
        return value.isoformat(" ") if value.hour or value.minute or value.second else value.date().isoformat()
    return str(value)
