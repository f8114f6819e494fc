"""The type of a column, by all of its values; typed.py has the column in that type.

A type is chosen as a careful analyst would: exact or not at all. What could be two things stays text, and the reading says so.
"""

import re
from collections import Counter

import numpy
import pandas

from . import kinds, layout, values

TIME_NAMES = ("date", "time", "timestamp", "datetime", "ts", "created", "updated", "day", "datum", "tag", "zeit", "fecha", "hora", "jour", "heure", "data", "дата", "день", "modified", "at", "eintritt", "austritt", "geburtstag", "geburt", "geb", "birthday", "birth", "born", "dob", "valid", "gültig", "beginn", "ende", "start", "end", "von", "bis")
DAYS = (19000101, 21001231)  # 20240131
DAY_NAMES = re.compile(r"(.*[^a-z])?(date|datum|fecha|дата)([^a-z].*)?|.*(date|datum)|day|tag|jour|data|день")  # what a number of days may be called
EPOCH_MS, EPOCH_S, SERIAL = (10 ** 12, 2.2 * 10 ** 12), (6 * 10 ** 8, 2.2 * 10 ** 9), (20000, 60000)


class Profile:
    """What the values of one column are, kept as counts of forms."""

    def __init__(self, told="", place=False):
        self.told, self.place = told, place  # the decimal sign, where somebody has said it; whether it is half of a place on Earth
        self.forms, self.shapes, self.rows = Counter(), Counter(), 0
        self.low, self.high, self.whole_days, self.days = numpy.inf, -numpy.inf, True, True
        self.native, self.long_native, self.float_native, self.nested = Counter(), False, False, 0
        self.far = 0  # dates that have a type and are out of range
        self.short = Short()  # dates whose years have two digits
        self.months = self.day_months = self.lost = 0  # numbers like 1.2024, like 15.2; those that a workbook has cut

    def add_texts(self, series):
        """Texts of a frame."""
        self.rows += len(series)
        if self.plain_numbers(series):
            return
        counted = series.value_counts(sort=False) if len(series) > 50 else Counter(series)
        for text, n in counted.items():
            self.add_text(text, n)

    def add_text(self, text, n=1):
        f = values.form(text)
        self.forms[f] += n
        if f[0] == "number" and f[1] in ("int", "dot", "comma"):
            x = values.number(text, "," if f[1] == "comma" else ".")
            self.spread(x, x)
            self.months += n if MONTH.fullmatch(text.strip()) else 0
            self.day_months += n if DAY_MONTH.fullmatch(text.strip()) else 0
        elif f[0] == "date" and f[1].endswith(values.SHORT):
            self.short.add(values.bare(text))
        elif f[0] in ("text",) or f[0] == "number" and f[1] in ("zeros", "long"):
            if len(self.shapes) < 50:
                self.shapes[values.shape(text)] += n
            else:
                self.shapes["*"] += n

    def plain_numbers(self, series):
        """Many plain numbers at once, by pandas' own parser: no signs of money, no leading zeros, nothing beyond 15 digits."""
        if len(series) < 5000:
            return False
        joined = "\n".join(series)
        if not PLAIN.issuperset(joined[:20000]) or not PLAIN.issuperset(joined):
            return False
        sign = "comma" if "," in joined else "dot"
        if sign == "comma":
            if "." in joined:
                return False
            joined = joined.replace(",", ".")
            series = pandas.Series(joined.split("\n"), index=series.index, dtype=object)
        if ZEROS.search(joined) or DIGITS.search(joined):
            return False
        empty = int((series == "").sum())
        parsed = pandas.to_numeric(series if not empty else series[series != ""], errors="coerce")
        if parsed.isna().any():
            return False
        if empty:
            self.forms[("empty",)] += empty
        if not len(parsed):
            return True
        dots = joined.count(".")
        if dots:
            open_ = len(THREE.findall(joined))
            self.forms[("number", sign, "", "", "")] += dots - open_
            self.forms[("number", sign + "3", "", "", "")] += open_
            self.forms += Counter()  # none of what is not there
            self.months += len(MONTHS.findall(joined))
            self.day_months += len(re.findall(r"(?m)^%s$" % DAY_MONTH.pattern, joined))
        ints = len(parsed) - dots
        self.spread(float(parsed.min()), float(parsed.max()))
        if ints:
            self.forms[("number", "int", "", "", "")] += ints
            self.days = self.days and not pandas.to_datetime(parsed.astype("int64").astype(str), format="%Y%m%d", errors="coerce").isna().any()
        if (parsed % 86400000 != 0).any():
            self.whole_days = False
        return True

    def spread(self, low, high):
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.days = self.days and DAYS[0] <= low <= high <= DAYS[1] and low == int(low) and high == int(high) and values.compact_day(int(low)) and values.compact_day(int(high))
        if low % 86400000:
            self.whole_days = False

    def add_native(self, value):
        """A value that a workbook or JSON has already given a type."""
        self.rows += 1
        if value is None:
            self.forms[("empty",)] += 1
        elif isinstance(value, bool):
            self.native["boolean"] += 1
        elif isinstance(value, int):
            self.native["number"] += 1
            self.long_native |= abs(value) > 1 << 53
            self.spread(value, value)
        elif isinstance(value, float):
            self.native["number"] += 1
            self.float_native |= value != int(value) if abs(value) < 1e300 else True
            self.lost += abs(value) >= 1e15 and value % 1 == 0  # of more digits than a workbook keeps
            self.spread(value, value)
        elif isinstance(value, str):
            self.add_text(value)
        elif hasattr(value, "year"):
            self.native["date"] += 1
            self.far += not values.FIRST <= value.year <= values.LAST
            if value.hour or value.minute or value.second or value.microsecond:
                self.native["clock"] += 1
        elif type(value).__name__ == "CellError":
            self.forms[("error",)] += 1
        else:
            self.native["nested"] += 1

    # -- the type

    def decide(self, name, odd):
        """The column as a reading names it; odd gets what is strange about it."""
        families = Counter()
        for f, n in self.forms.items():
            families[f[0]] += n
        empty, errors, words = families["empty"], families["error"], families["missing"]
        texts, numbers, dates, booleans = families["text"], families["number"], families["date"], families["boolean"]
        clock, native = self.native["clock"], {k: n for k, n in self.native.items() if k != "clock"}
        column = {"name": name, "type": "text", "missing": empty + errors}
        if errors:
            odd.add("error_cells", column=name, count=errors)
        column = self.choose(column, native, texts, numbers, dates, booleans, words, clock, odd)
        if column["type"] in ("number", "integer", "date", "date and time", "boolean"):
            column["missing"] += words
            if words:
                odd.add("missing_words", column=name, count=words)
        else:
            always = sum(n for f, n in self.forms.items() if f[:2] == ("missing", "always"))
            if column["type"] == "text" and always:
                column["missing"] += always
                odd.add("missing_words", column=name, count=always)
        return column

    def choose(self, column, native, texts, numbers, dates, booleans, words, clock, odd):
        name = column["name"]
        said = texts + numbers + dates + booleans
        if not said and not native:
            column["type"] = "empty" if not words else "text"
            return column
        if native.get("nested"):
            column["type"] = "nested"
            if said or len(native) > 1:
                odd.add("mixed", column=name)
            return column
        if native and not said and len(native) == 1:
            return self.natively(column, next(iter(native)), clock, odd)
        if set(native) == {"date"} and dates and not texts and not numbers and not booleans and not any(f[4] for f in self.forms if f[0] == "date"):
            written = self.as_date(dict(column), odd)
            if written["type"] != "text":
                odd.add("dates_as_text", column=name, count=dates)
                return written | {"type": "date and time" if clock else written["type"], "missing": written["missing"] + self.far}
        if native:
            if texts or len(native) > 1 or dates or booleans or not set(native) <= {"number"}:
                if texts + dates + booleans < sum(native.values()):
                    odd.add("mixed", column=name, count=texts + dates + booleans + numbers)
                return self.as_text(column, odd)
        if numbers and not texts and not dates and not booleans:
            return self.as_number(column, odd)
        if dates and not texts and not numbers and not booleans:
            return self.as_date(column, odd)
        if booleans and not texts and not numbers and not dates:
            column["type"] = "boolean"
            return column
        if 2 * (numbers + dates) >= said and said > 2:
            odd.add("mixed", column=name, count=texts + booleans + min(numbers, dates))
        return self.as_text(column, odd)

    def natively(self, column, kind, clock, odd):
        if kind == "number":
            if self.long_native:
                odd.add("long_ids", column=column["name"], count=self.native["number"])
                return column
            column["type"] = "number" if self.float_native or max(-self.low, self.high) >= 1 << 63 else "integer"
            if self.lost:
                odd.add("digits_lost", column=column["name"], count=self.lost)
            return self.times(column, odd)
        column["type"] = {"boolean": "boolean", "date": "date and time" if clock else "date"}[kind]
        if self.far:
            column["missing"] += self.far
            odd.add("dates_out_of_range", column=column["name"], count=self.far)
        return column

    def as_text(self, column, odd):
        if self.shapes and not self.native:
            common, total = self.shapes.most_common(3), sum(self.shapes.values())
            for n in range(1, len(common) + 1):  # as few of them as say nearly all
                shapes = [shape for shape, _ in common[:n]]
                if all(shape != "*" and "9" in shape for shape in shapes) and sum(k for _, k in common[:n]) >= 0.9 * total:
                    if len(" or ".join(shapes).encode()) <= LONGEST_PATTERN:
                        column["pattern"] = " or ".join(shapes)
                    break
        signs = {values.SAYS[f[1]] for f in self.forms if f[0] == "number" and f[1] in values.SAYS}
        if len(signs) == 1 and not column.get("thousands"):
            column["decimal"] = signs.pop()  # of the numbers among the texts
        return column

    def as_number(self, column, odd):
        name = column["name"]
        how, currencies, signs, cut = Counter(), Counter(), Counter(), 0
        for f, n in self.forms.items():
            if f[0] == "number":
                how[f[1]] += n
                currencies[f[2]] += n
                signs[f[3]] += n
                cut += n if f[4] else 0
        if how["noday"] and self.days and set(how) == {"int", "noday"} and not self.native and timely(name):  # 00000000 among days
            odd.add("missing_words", column=name, count=how["noday"])
            column["missing"] += how.pop("noday")
        if how["noday"]:
            how["zeros"] += how.pop("noday")
        if how["zeros"]:
            odd.add("leading_zeros", column=name, count=how["zeros"])
            return self.as_text(column, odd)
        if any(h.startswith("blank") for h in how) and TELEPHONES.fullmatch(name.strip()):
            odd.add("telephones", column=name)
            return self.as_text(column, odd)  # 555 123 is no amount there
        if how["dot"] and (PLACES.fullmatch(name.strip()) or self.months == sum(how.values()) and MONTH_NAMES.search(name) or self.day_months == how["dot"] and DAY_NAMES.fullmatch("_".join(parts_of(name)))):
            odd.add("points_not_decimal", column=name)
            return self.as_text(column, odd)  # 1.10 comes after 1.9, and 1.2024 is a January
        if how["long"] or self.long_native:
            odd.add("long_ids", column=name, count=how["long"] or self.native["number"])
            return self.as_text(column, odd)
        named = [c for c in currencies if c]
        if len(named) > 1:
            odd.add("several_currencies", column=name, count=len(named))
            return column
        if signs[""] and len(signs) > 1 or self.native and (signs["%"] or signs["‰"]):
            odd.add("percent_and_not", column=name, count=sum(n for s, n in signs.items() if s))
            return column
        said = {values.SAYS[h] for h in how if h in values.SAYS}
        if len(said) > 1:
            odd.add("two_decimal_signs", column=name)
            return column
        if self.told and said - {self.told}:
            return odd.add("two_decimal_signs", column=name) or column  # what was told does not hold here
        decimal = self.told or next(iter(said), "")
        open_dot, open_comma = how["dot3"], how["comma3"]
        if not decimal and self.place and (open_dot == 0) != (open_comma == 0):
            decimal = "." if open_dot else ","  # there is no latitude of 52,520 degrees
        if not decimal and open_dot and open_comma:
            odd.add("ambiguous_thousands", column=name, count=open_dot + open_comma)
            return column
        if not decimal and (open_dot or open_comma):
            if not named or not values.money_thousands(named[0], "." if open_dot else ","):
                odd.add("ambiguous_thousands", column=name, count=open_dot + open_comma)
                column["thousands"] = "." if open_dot else ","  # or the decimal sign: somebody who knows is asked
                return self.as_text(column, odd)
            decimal = "," if open_dot else "."
        decimal = decimal or "."
        group = "." if decimal == "," and (how["dots"] or how["dots_comma"] or open_dot) else "," if decimal == "." and (how["commas"] or how["commas_dot"] or open_comma) else \
            "'" if any(h.startswith("apostrophe") for h in how) else " " if any(h.startswith("blank") for h in how) else ""
        whole = not signs["%"] and not signs["‰"] and not self.float_native and all(h in ("int", "commas", "dots", "apostrophe", "blank") or h == ("comma3" if decimal == "." else "dot3") for h in how)
        column.update(type="integer" if whole else "number", decimal=decimal)
        column["decimal_said"] = bool(said) or bool(open_dot or open_comma)
        if group:
            column["thousands"] = group
        if named:
            column["currency"] = named[0]
            odd.add("currency", column=name, count=currencies[named[0]])
        if signs["%"]:
            column["percent"] = True
            odd.add("percent", column=name, count=signs["%"])
        if signs["‰"]:
            column["percent"] = True
            odd.add("per_mille", column=name, count=signs["‰"])
        if cut:
            odd.add("digits_lost", column=name, count=cut)
        if self.native:
            odd.add("numbers_as_text", column=name, count=sum(how.values()))
        self.float_native |= not whole
        return self.times(column, odd) if set(how) <= {"int", "dot", "comma"} and not named and not column.get("percent") else column

    def times(self, column, odd):
        """Numbers that are moments: named as odd, and read as such where the name says it or every one is a midnight."""
        if self.low > self.high or column["type"] not in ("integer", "number"):
            return column
        words, named = parts_of(column["name"]), timely(column["name"])
        if EPOCH_MS[0] <= self.low and self.high <= EPOCH_MS[1]:
            unit = "unix_milliseconds"
        elif EPOCH_S[0] <= self.low and self.high <= EPOCH_S[1] and named:
            unit = "unix_seconds"
        elif SERIAL[0] <= self.low and self.high <= SERIAL[1] and DAY_NAMES.fullmatch("_".join(words)):
            unit = "excel_days"
        elif self.days and named and not self.float_native:
            unit = "compact_days"
        else:
            return column
        odd.add(unit, column=column["name"])
        if named or unit == "unix_milliseconds" and self.whole_days:
            column.update(type="date and time" if unit not in ("excel_days", "compact_days") or self.float_native else "date", unit=unit)
        return column

    def as_date(self, column, odd):
        name, orders, clock, zones, total, far = column["name"], Counter(), 0, 0, 0, 0
        for f, n in self.forms.items():
            if f[0] == "date":
                total += n
                if f[1].startswith("local"):
                    orders[f[2]] += n
                far += n if f[5] else 0
                clock += n if f[3] else 0
                zones += n if f[4] else 0
        if self.short.open():
            odd.add("short_years", column=name, count=total)
            return self.as_text(column, odd)
        if 2 * far > total:  # another calendar's, or no years
            odd.add("far_dates", column=name, count=far)
            return self.as_text(column, odd)
        if orders["day"] and orders["month"]:
            odd.add("two_date_orders", column=name, count=min(orders["day"], orders["month"]))
            return self.as_text(column, odd)
        if orders["open"] and not orders["day"] and not orders["month"]:
            odd.add("ambiguous_dates", column=name, count=orders["open"])
            return self.as_text(column, odd)
        column["type"] = "date and time" if clock else "date"
        column["day_first"] = not orders["month"]
        if far:
            column["missing"] += far
            odd.add("dates_out_of_range", column=name, count=far)
        if zones:
            column["zone"] = "UTC"
            odd.add("offsets" if zones == total else "offsets_in_part", column=name, count=zones)
        if clock and clock < total:
            odd.add("dates_without_time", column=name, count=total - clock)
        return column


def parts_of(name):
    """The words of a name, small: createdAt is created, at."""
    return re.split(r"[-_\s.]+", HUMP.sub("_", name.strip()).lower())


def timely(name):
    """Whether a column of this name may hold moments."""
    return any(w in TIME_NAMES for w in parts_of(name)) or name.lower().endswith(("time", "date", "datum", "_at"))


class Short:
    """Dates with two digits for the year, as far as they tell which of their numbers it is, and which century."""

    def __init__(self):
        self.ends, self.either, self.century = (set(), set()), True, False

    def add(self, text):
        parts = [int(p) for p in re.findall(r"\d+", text)[:3]]
        numbered = NUMBERED.search(text)  # or its month has a name
        self.century |= OPEN_YEARS[0] <= parts[2 if numbered else 1] <= OPEN_YEARS[1]
        self.either = bool(self.either and numbered and "." not in numbered[0] and parts[1] <= 12 and 1 <= parts[2] <= 31)
        if self.either:
            self.ends[0].add(parts[0])
            self.ends[1].add(parts[2])

    def open(self):
        """Whether the first number may as well be the year (24-01-31), or the years be of either century (15.03.45)."""
        return self.century or self.either and self.ends[0] != set() and len(self.ends[0]) <= len(self.ends[1])


LONGEST_PATTERN = 64  # bytes, as approval/reading has it
OPEN_YEARS = (30, 68)  # Excel takes 30 for 1930, Unix for 2030
NUMBERED = re.compile(r"\d+[-/.]\s?\d+[-/.]\s?\d+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
MONTH = re.compile(r"(?:1[0-2]|0?[1-9])\.(?:19|20)\d\d")
DAY_MONTH = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])")
MONTHS = re.compile(r"(?m)^(?:1[0-2]|0?[1-9])\.(?:19|20)\d\d$")
MONTH_NAMES = re.compile(r"(?<![^\W_])(month|period|monat|mois|mes|mês|mese|maand|måned|månad|miesiąc|месяц)(?![^\W_])", re.I)
NUMBER = r"(?:[\W_]*(?:no|nos|number|num|nr|nummer|id))?[\W_]*"
PLACES = re.compile(r"(?:(?:[^\W_]+[\W_]+)?(?:versions?|versión|версия)|release|revision|section|chapter|clause|kapitel|abschnitt|chapitre|capítulo|раздел)" + NUMBER, re.I)
COORDINATES = [re.compile(r"(?:.*[\W_])?(?:%s)(?:[\W_]*(?:deg|degrees|grad|wgs84|dd))?[\W_]*" % p, re.I) for p in ("lat|latitude?|breitengrad", "lon|lng|longitude?|längengrad")]
TELEPHONES = re.compile(r"(?:.*[\W_])?(?:tele(?:f|ph)on\w*|phones?|tel|(?:tele)?fax|rufnummer|teléfono)" + NUMBER + r"(?:[\W_]*(?:mobile|home|work|office|privat|mobil|\d))?[\W_]*", re.I)
PLAIN = set("0123456789.,-+eE\n")
ZEROS = re.compile(r"(?m)^[-+]?0\d|[eE]|\+")
DIGITS = re.compile(r"\d{16}|\d{9}\.\d{9}|(?m:^\.|\.$|\..*\.)")
THREE = re.compile(r"(?m)^-?[1-9]\d{0,2}\.\d{3}$")
