"""JSON as a table: a list of records, JSON lines, and the shapes that pandas and others write."""

import json
import math
import re

import pandas

from . import texts
from .words import DEEPEST, MOST_COLUMNS, Odd, Refused


class ObjectTable:
    """Records as a table; a key is a column."""

    def __init__(self, records, index=None):
        self.name, self.hidden, self.odd, self.records = "", False, Odd(), records
        self.heading = list(dict.fromkeys(k for r in records for k in r))
        if len(self.heading) > MOST_COLUMNS:
            raise Refused("columns", columns=len(self.heading), most=MOST_COLUMNS)
        self.width, self.heads, self.heading_line, self.titles, self.sure_heading, self.index = len(self.heading), 1, 0, 0, True, index
        if index is not None:
            self.odd.add("keys_are_index", count=len(index))
        # Of many keys each record has less than a quarter: then the keys are values (days, say), and a column for each is hardly
        # what was meant. It is told, and read all the same.
        if self.width > 8 and 4 * sum(map(len, records)) < self.width * len(records):
            self.odd.add("heading_looks_like_values", count=self.width)  # keys that differ by record
        short = sum(1 for r in records if len(r) < self.width)
        if short:
            self.odd.add("keys_missing", count=short)

    def frames(self):
        rows = [[cell(r.get(k)) for k in self.heading] for r in self.records]
        yield pandas.DataFrame(rows, columns=range(self.width), dtype=object, index=self.index)

    def spec(self):
        return {"width": self.width, "heads": 1}


def cell(value):
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        return None
    return value


def flat(value):
    return not isinstance(value, (dict, list))


COMMAS = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])')
COMMENTS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?(?:\*/|\Z)|(?m:^)[ \t]*#[^\r\n]*', re.S)
LINES = re.compile(r"\r\n|\r|\n")


def plain(text, said):
    """The text without the comments that people leave in it, of which JSON knows none."""
    def without(m):
        if m[0][0] == '"':
            return m[0]
        said.append("comments")
        return " "
    return COMMENTS.sub(without, text)


def commented(head):
    """Whether a text begins with comments, and JSON stands below them."""
    return head.startswith(("//", "/*", "#")) and plain(head, []).lstrip()[:1] in ("[", "{")


def scalar(text):
    """Whether a text is one value without any records."""
    try:
        return not isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def load(text, odd, more=False):
    """One value; more: the values of a text that has several, with or without commas between them."""
    twice = []

    def pairs(found):
        made = dict(found)
        if len(made) < len(found):
            twice.append(1)
        return made

    def constant(_):
        # Python's parser takes NaN and Infinity, which pandas writes, though JSON has no such numbers.
        odd.append("nan")
        return math.nan

    if more:
        # Records that follow each other with nothing but white space or commas between them.
        made, at, decoder = [], 0, json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
        text = text.strip().rstrip(",").rstrip()
        while at < len(text):
            if text[at] != "{":
                raise ValueError("no record")
            one, at = decoder.raw_decode(text, at)
            made.append(one)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    else:
        made = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
    # JSON leaves open which one counts, and Python takes the last: people are told.
    if twice:
        odd.append("keys_twice")
    return made


def whole(text):
    # Python refuses numbers of more than 4300 digits, and a float ends at 309; what is so long is a key, and stays as it is.
    if len(text) > 400:
        return text
    return int(text)


def read(path, encoding):
    """The table of a JSON file, its encoding known."""
    text = "".join(texts.blocks(path, encoding)).lstrip("\ufeff")
    if not text.strip():
        raise Refused("empty")
    said = []
    try:
        deep(text)
        table = make(parse(text, said))
    except RecursionError:
        raise Refused("deep", most=DEEPEST)
    for code in dict.fromkeys(said):
        table.odd.add(code, count=said.count(code))
    return table


def deep(text):
    """Refuses what is nested too deeply before a parser sees it."""
    depth = most = 0
    quoted = False
    at = 0
    # Too few brackets to be deep: most files need no look at each of them.
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    for m in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        c = text[m.start()]
        if c in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Refused("deep", most=DEEPEST)
        elif c in "]}":
            depth -= 1


def parse(text, said):
    """One value, or one a line; where neither is, without the comments and the commas before a closing bracket that people and templates leave there."""
    try:
        return load(text, said)
    except ValueError as e:
        first = e
    said.clear()
    try:
        return of_lines(text, said, getattr(first, "lineno", 0))
    except Refused as broken:
        noted = []
        bare = COMMAS.sub(lambda m: m[0] if m[0][0] == '"' else "", plain(text, noted))
        for more in (False, True):
            said[:] = noted[:1]
            try:
                return load(bare, said, more)
            except ValueError:
                pass
        raise broken


def of_lines(text, said, line):
    """One value a line; line is where the text as a whole is wrong."""
    out = []
    for n, one in enumerate(LINES.split(text), 1):
        if not one.strip():
            continue
        try:
            out.append(load(one, said))
        except ValueError:
            # Where not even the first line is a value, the file was no list of lines, and the fault is where the whole text has it.
            raise Refused("broken_json", line=n if out else line)
    return out


def make(value):
    """The table that a value is, or a refusal that says what it is instead."""
    if isinstance(value, list):
        return of_list(value)
    if not isinstance(value, dict):
        raise Refused("no_records")
    # The order counts: the forms that have names of their own come before those that are known by their shape alone, and
    # some of them would pass for one of the latter.
    if isinstance(value.get("dimension"), dict) and isinstance(value.get("value"), (list, dict)) or {"dataSets", "structure"} <= set(value) or isinstance(value.get("data"), dict) and {"dataSets", "structures"} <= set(value["data"]):
        raise Refused("no_records")  # JSON-stat and SDMX: numbers by their places in several dimensions
    if {"columns", "data"} <= set(value) and isinstance(value["columns"], list) and isinstance(value["data"], list) and \
            all(isinstance(r, list) and len(r) == len(value["columns"]) for r in value["data"]):
        return ObjectTable([dict(zip(map(str, value["columns"]), r)) for r in value["data"]])
    if "schema" in value and isinstance(value.get("data"), list) and value["data"] and all(isinstance(r, dict) for r in value["data"]):
        return ObjectTable(value["data"])
    named = named_rows(value)
    if named is not None:
        return named
    inner = list(value.values())
    if inner and all(isinstance(v, dict) for v in inner) and len(inner) > 0:
        # pandas writes a table by default as {column: {row: value}} with rows that are numbered.
        keys = [list(v) for v in inner]
        if all(k == keys[0] for k in keys) and keys[0] and all(k.lstrip("-").isdigit() for k in keys[0]) and all(flat(x) for v in inner for x in v.values()):
            return ObjectTable([{c: value[c][k] for c in value} for k in keys[0]])  # pandas' columns
        shared = set(keys[0]).intersection(*keys) if keys[0] else set()
        every = set().union(*keys)
        if len(inner) > 1 and shared and 2 * len(shared) >= len(every):
            return ObjectTable(inner, list(value))  # records by their key
        # An envelope around the data: {"response": {...}}.
        if len(inner) == 1:
            return make(inner[0]) if not all(flat(x) for x in inner[0].values()) else ObjectTable(inner, list(value))
    lists = {k: v for k, v in value.items() if isinstance(v, list)}
    # Empty lists alone: a query without results is a different thing from a file without records.
    if lists and not any(lists.values()) and (len(lists) == len(value) or any(RECORDS.fullmatch(k) for k in lists)):
        raise Refused("empty")
    if lists and len(lists) == len(value) and len({len(v) for v in lists.values()}) == 1 and all(flat(x) for v in lists.values() for x in v) and len(lists) > 0:
        # Columns beside each other, all of one length.
        keys = list(lists)
        return ObjectTable([dict(zip(keys, r)) for r in zip(*lists.values())])
    records = [v for v in lists.values() if v and all(isinstance(r, dict) for r in v)]
    if not records and any(v and all(isinstance(r, list) for r in v) for v in lists.values()) and len(lists) == 1:
        raise Refused("list_of_lists")
    if len(records) == 1:
        made = of_list(records[0])
        beside = sum(1 for v in lists.values() if v and all(map(flat, v)) and len(v) > 1 and any(isinstance(x, list) and len(x) == len(v) for r in records[0] for x in r.values()))
        if beside:
            made.odd.add("lists_beside", count=beside)  # labels of what is nested in the records
        return made
    if len(records) > 1:
        # Which of them is meant cannot be told, and a guess would be read as if it were all.
        raise Refused("several_lists", lists=len(records))
    if value and all(flat(v) or isinstance(v, list) for v in value.values()) and any(flat(v) for v in value.values()):
        return ObjectTable([value])
    nested = [v for v in inner if isinstance(v, dict) and any(isinstance(x, list) for x in v.values())]
    if len(nested) == 1:
        return make(nested[0])
    keyed = [v for v in inner if isinstance(v, dict) and len(v) > 1 and all(isinstance(x, dict) for x in v.values())]
    if len(keyed) == 1:
        return make(keyed[0])  # records by their key, beside facts about them
    raise Refused("no_records")


RECORDS = re.compile("data|items?|results?|records?|rows|values?|list|entries|hits", re.I)  # what lists of records are called
NAMES = re.compile("(column|field|head|header|name|label|key|col)_?(name)?s?", re.I)


def named_rows(value):
    """The table of a dictionary in which names stand beside lists of so many values: {"fields": [{"name": "a"}], "rows": [[1]]}."""
    rows = [v for v in value.values() if isinstance(v, list) and v and all(isinstance(r, list) for r in v)]
    if len(rows) != 1:
        return None
    for key, v in value.items():
        heads = [h.get("name") if isinstance(h, dict) else h for h in v] if NAMES.fullmatch(key) and isinstance(v, list) else []
        if heads and all(isinstance(h, str) for h in heads) and len(set(heads)) == len(heads) and all(len(r) == len(heads) for r in rows[0]):
            return ObjectTable([dict(zip(heads, r)) for r in rows[0]])
    return None


def of_list(value):
    if not value:
        raise Refused("empty")
    if all(isinstance(r, dict) for r in value):
        if not any(value):
            raise Refused("no_records")
        return ObjectTable(value)
    if all(isinstance(r, list) for r in value):
        raise Refused("list_of_lists")
    if all(flat(r) for r in value):
        return ObjectTable([{"value": r} for r in value])
    raise Refused("no_records")
