"""What a model may see of a file beyond its shape, where administrators let it: counts, ranges, frequent values, and rows.

The host puts it into one prompt and keeps it nowhere.
"""

from . import reading

VALUES, OFTEN, ROWS, TABLES, TEXT = 20, 5, 5, 10, 80  # approval/reading has the same bounds
RANGED = ("integer", "number", "date", "date and time")


def look(path, name, said, rows):
    """A glimpse of a file by its reading; rows tells whether single rows may be seen."""
    opened = reading.tables(path, name, said)
    try:
        return {"tables": [glance(reading.frame(opened, said, at), said["tables"][at]["columns"], rows) for at in range(min(TABLES, len(said["tables"])))]}
    finally:
        opened.close()


def glance(frame, columns, rows):
    head = frame.head(ROWS) if rows else frame.head(0)
    return {"columns": [seen(frame[c["name"]], c["type"]) for c in columns],
            "rows": [[short(v) for v in row] for row in head.astype(object).itertuples(index=False, name=None)]}


def seen(series, kind):
    known = series.dropna()
    if kind == "nested" or not len(known):
        return {"distinct": 0, "least": "", "most": "", "often": []}
    counts = known.value_counts()
    often = [{"value": short(v), "count": int(n)} for v, n in counts.items() if n >= OFTEN] if len(counts) <= VALUES else []
    ranged = kind in RANGED
    return {"distinct": len(counts), "least": short(known.min()) if ranged else "", "most": short(known.max()) if ranged else "", "often": often}


def short(value):
    if value is None or value != value:
        return ""
    if hasattr(value, "isoformat"):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00") if hasattr(value, "hour") else value.isoformat()
    return str(value)[:TEXT]
