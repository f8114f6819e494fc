"""The desk's limits, and how it says no. A refusal is a code with numbers; the host makes the sentence."""

MOST_COLUMNS = 1000        # more is no table that a person can review or a prompt can name
MOST_TABLES = 50
MOST_CELL = 1 << 20        # characters; more is a quotation mark that nobody closed
MOST_UNPACKED = 1 << 30    # bytes of one file out of an archive
MOST_PARTS = 10000         # files in an archive
MOST_CELLS = 60_000_000    # of a sheet
MOST_NAME = 200
MOST_LINES = 20            # line numbers that are listed of one odd thing
DEEPEST = 200              # levels of JSON and of XML

REFUSALS = ("empty", "binary", "nul", "columns", "unpacked", "parts", "nested_archive", "several_files", "encrypted", "broken_archive",
            "old_excel", "binary_excel", "parquet", "parquet_broken", "formulas", "no_sheet", "broken_workbook", "deep", "entities", "broken_json",
            "program_file", "database_dump", "contacts", "no_table", "several_lists", "list_of_lists", "no_records", "cells", "kind", "no_line", "memory", "time", "misbehaved", "failed", "encoding")


class Refused(Exception):
    """This file is not read. code is one of REFUSALS; facts are numbers."""

    def __init__(self, code, **facts):
        super().__init__(code)
        self.code, self.facts = code, facts


class Odd:
    """What is odd in a table: codes with counts, line numbers and columns; never a value."""

    def __init__(self):
        self.found = {}

    def add(self, code, line=0, column=None, count=1, **facts):
        key = (code, column)
        entry = self.found.setdefault(key, {"code": code, "count": 0, "lines": []})
        entry["count"] += count
        if line and len(entry["lines"]) < MOST_LINES:
            entry["lines"].append(int(line))
        if column is not None:
            entry["column"] = column
        entry.update(facts)

    def count(self, code):
        return sum(e["count"] for (c, _), e in self.found.items() if c == code)

    def listed(self):
        return list(self.found.values())
