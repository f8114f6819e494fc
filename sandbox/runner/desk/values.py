"""What a written value could be: the form of a number, a date, a marker of what is missing. Forms hold no value."""

import functools
import re

CURRENCY = r"(?:US|MX|NT|NZ|HK|R|C|A|S)\$|[$€£¥₹₽₺₴₩₪฿₫円元원]|\bR[sp]\b\.?|\bR[sp]\.?(?=\s?\d)|\b(?:USD|EUR|GBP|JPY|CHF|CNY|INR|RUB|SEK|NOK|DKK|PLN|CZK|HUF|BRL|CAD|AUD|NZD|TRY|ZAR|MXN|RON|BGN|UAH|ILS|HKD|SGD|KRW|THB|TWD|AED|SAR)\b|\b(?:kr|zł|Kč|Fr|Ft|руб|лв|грн|lei)\b\.?|zł|Kč"
NUMBER = re.compile(r"(?P<open>\()?\s*(?P<s1>[-+−]?)\s?(?P<c1>%s)?\s?(?P<in>\()?\s?(?P<s2>[-+−]?)(?P<core>\d(?:[\d.,'’ \u00a0\u202f\u2009]*[\d.,])?|[.,]\d+)(?P<e>[eE][-+]?\d+)?\s?(?P<c2>%s|(?<=\d)(?:EUR|USD|GBP|CHF|PLN|SEK|NOK|DKK|CZK|HUF|kr|Ft)\b|%%|‰)?\s?(?P<s3>-|(?<=[.,]\d\d)\+|(?<=[.,]\d\d\s)\+)?\s*(?P<close>\))?" % (CURRENCY, CURRENCY))
NOTHING = re.compile(r"(?P<c>%s)\s*-(?:\?\?)?" % CURRENCY)  # a nought as bookkeepers have it: $ -
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"))  # characters without any width
BLANKS = re.compile("[ \u00a0\u202f\u2009]")
CENTS = re.compile(r"(?<=\d)([.,])[-–—]{1,2}(?=\s*\D{0,4}$)")  # 12,- and 12.--: no cents
TEXT_BY_FORMULA = re.compile(r'="([^"]*)"')  # how exports keep Excel from making a number of 00123
MARKERS = {"-", ":", "--", "---", "—", "–", ".", "..", "...", "?", "*", "/", "#"}
WORDS = {"n/a", "na", "n.a.", "n.a", "#na", "nan", "null", "none", "nil", "<na>", "<n/a>", "(null)", "\\n", "missing", "unknown", "not available", "not applicable", "no data", "tbd", "tba", "undefined", "void",
         "k.a.", "k. a.", "keine angabe", "unbekannt", "fehlt", "entfällt", "n.v.", "nv", "inconnu", "nd", "n.d.", "n/d", "s/d", "sin datos", "desconocido", "b.d.", "brak", "neznámé", "нет", "нет данных", "н/д", "неизвестно", "不明", "无", "無", "なし", "empty", "blank", "ausstehend", "pending",
         "(leer)", "(blank)", "(empty)", "(vide)", "(vacío)", "leer", "keine daten", "nicht verfügbar", "nicht vorhanden", "non disponible", "non renseigné", "no disponible", "niet beschikbaar"}
ALWAYS = {"nan", "null", "<na>", "#na", "n/a", "(null)", "\\n"}  # missing in a column of texts, too; NA is a region
ERRORS = re.compile(r"#(DIV/0!|N/A|VALUE!|REF!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|WERT!|BEZUG!|ZAHL!|NV|ERROR!)")
BOOLEANS = {"true": True, "false": False, "wahr": True, "falsch": False, "vrai": True, "faux": False, "verdadero": True, "falso": False, "vero": True, "verdadeiro": True,
            "waar": True, "onwaar": False, "prawda": True, "fałsz": False, "истина": True, "ложь": False}
NO_DAY = re.compile(r"0000([-/.])00?\1(00?)(?:[ T]00:00(:00)?)?|00([-/.])00\4(0000|00)")

MONTHS = {}
# Each month as languages write it, in full, cut short, and as it stands behind a day. Not "listopad", which is November in Prague and Warsaw and October in Zagreb.
for number, listed in enumerate(("jan january januar januari jänner janvier janv enero ene gennaio gen janeiro styczeń stycznia sty января янв leden ledna ocak tammikuuta ianuarie січня ιανουαρίου",
                                 "feb february februar februari februarie feber fevereiro fevrier février févr fev febrero febbraio luty lutego lut февраля фев únor února şubat helmikuuta лютого φεβρουαρίου",
                                 "mar march märz mär maerz maart mars marts marzo março martie marzec marca марта мар březen března mrz mart maaliskuuta березня μαρτίου",
                                 "apr april avril avr abril abr aprile aprilie kwiecień kwietnia апреля апр duben dubna nisan huhtikuuta квітня απριλίου",
                                 "may mai mei maj mayo maggio mag maio maja мая květen května mayıs toukokuuta травня μαΐου",
                                 "jun june juni juin junio giugno giu junho iunie czerwiec czerwca июня июн červen června haziran kesäkuuta червня ιουνίου",
                                 "jul july juli juillet juil julio luglio lug julho iulie lipiec lipca июля июл červenec července temmuz heinäkuuta липня ιουλίου",
                                 "aug august augusti augustus août aout agosto ago sierpień sierpnia августа авг srpen srpna ağustos elokuuta серпня αυγούστου",
                                 "sep sept september septembre septembrie septiembre settembre set setembro wrzesień września сентября сен září eylül syyskuuta вересня σεπτεμβρίου",
                                 "oct october okt oktober octobre octombrie octubre ottobre ott outubro out październik października октября окт říjen října ekim lokakuuta жовтня οκτωβρίου",
                                 "nov november novembre noviembre noiembrie novembro ноября ноя kasım marraskuuta νοεμβρίου",
                                 "dec december dez dezember des desember décembre déc diciembre dic dicembre decembrie dezembro grudzień grudnia декабря дек prosinec prosince aralık joulukuuta грудня δεκεμβρίου"), 1):
    for word in listed.split():
        MONTHS.setdefault(word, number)
ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120}  # minutes; only names that mean one thing
CLOCK = r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([AaPp]\.?[Mm]\.?|Uhr)?\s?(Z|z|UTC|GMT|CET|CEST|MEZ|MESZ|[-+]\d{2}(?::?\d{2})?)?)?"
ISO = re.compile(r"(\d{4})(?:([-/.])\s?|[年년]\s?)(\d{1,2})(?:(?(2)\2|[月월])\s?)(\d{1,2})(?(2)\.?|[日일])" + CLOCK)
SHORT = "2"  # the mark of a form whose year has two digits
WEEK = "mo|di|mi|do|fr|sa|so|mon|tue|wed|thu|fri|sat|sun|lu|ma|me|je|ve|lun|mar|mer|jeu|ven|sam|dim|gio|sab|mié|jue|vie|sáb|dom"  # days, cut short
LOCAL = re.compile(r"(?:(?i:%s)\.?,?\s)?" % WEEK + r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})" + CLOCK)
DAY_NAMED = re.compile(r"(?:[^\W\d_][^\W\d_-]{1,13}\.?,?\s)?(\d{1,2})(?:st|nd|rd|th|er|\.)?[-\s/]*(?:de\s)?([^\W\d_]{3,12})\.?[-\s/,]*(?:de\s)?(\d{4}|\d{2})(?:\sг\.?)?" + CLOCK)
NAMED_DAY = re.compile(r"(?:[A-Za-z]{3,9}\.?,?\s)?([^\W\d_]{3,12})\.?[-\s]+(\d{1,2})(?:st|nd|rd|th)?,?[-\s]+(\d{4})" + CLOCK)


def bare(text):
    """A value without blanks around it, and without what nobody sees."""
    return text.strip() if text.isascii() else text.translate(UNSEEN).strip()


# Columns say the same few things again and again; the bound keeps a column of texts that all differ from filling memory.
@functools.lru_cache(1 << 16)
def form(text):
    """(family, form): family is one of empty, missing, error, number, date, boolean, text."""
    v = bare(text)
    if not v:
        return ("empty",)
    low = v.lower()
    if low in BOOLEANS:
        return ("boolean",)
    if v[0] == "=" and TEXT_BY_FORMULA.fullmatch(v):
        return ("text",)
    if v[0] == "0" and NO_DAY.fullmatch(v):
        return ("missing", "word")
    if v[0] == "#" and ERRORS.fullmatch(v):
        return ("error",)
    if v in MARKERS or low in WORDS:
        return ("missing", "always" if low in ALWAYS else "NA" if v == "NA" else "marker" if v in MARKERS else "word")
    # No number and no date is so long, and the patterns below are not run over whole paragraphs.
    if len(v) > 60:
        return ("text",)
    if any(c.isdigit() for c in v) or v[-1] in "-?" and NOTHING.fullmatch(v):
        found = number_form(v) or real_day(v)
        if found:
            return found
    return ("text",)


def number_form(v):
    m = NUMBER.fullmatch(CENTS.sub(r"\g<1>00", v))
    nothing = NOTHING.fullmatch(v)
    if nothing:
        return ("number", "int", nothing["c"], "", "")
    if not m or bool(m["open"] or m["in"]) != bool(m["close"]) or sum(1 for s in (m["s1"], m["s2"], m["s3"], m["open"], m["in"]) if s) > 1:
        return None
    core = m["core"]
    c1, c2 = m["c1"] or "", m["c2"] or ""
    if c1 and c2 and c2 not in "%‰":
        return None
    currency = c1 or (c2 if c2 not in ("%", "‰") else "")
    how = core_form(core)
    if how is None:
        return None
    if m["e"]:
        if "." not in core and "," not in core and m["e"][1] not in "+-":
            return None  # 12E3 is a code
        digits = len(re.sub(r"\D", "", core))
        if how not in ("int", "dot", "comma", "dot3", "comma3"):
            return None
        how = {"int": "exp", "dot": "exp_dot", "dot3": "exp_dot", "comma": "exp_comma", "comma3": "exp_comma"}[how]
        if re.fullmatch(r"[eE]\+?(1[1-9]|2\d)", m["e"]) and (4 if m["e"][1] != "+" else 3) <= digits <= 7:
            return ("number", how, currency, c2 if c2 in ("%", "‰") else "", "cut_short")
    if (how == "int" or how == "blank") and (m["s1"] or m["s2"]) == "+" and len(core) >= 8:
        return ("text",)  # a telephone number
    return ("number", how, currency, c2 if c2 in ("%", "‰") else "", "")


GROUPED = 22  # characters with which 16 digits in groups have ended: what is longer is exact as a text alone


def core_form(core):
    """How the digits are grouped. dot3 and comma3 could be thousands or three places."""
    if core.isdigit():
        if len(core) > 1 and core[0] == "0":
            return "noday" if core == "00000000" else "zeros"
        # Beyond 2**53 a float leaves out whole numbers, so what is longer is an account or a code, and stays as it is written.
        return "int" if len(core) < 16 or len(core) == 16 and int(core) <= 1 << 53 else "long"
    if re.fullmatch(r"\d*\.\d*", core):
        left, _, right = core.partition(".")
        if len(left) > 1 and left[0] == "0":
            return None
        if len(left) > 15 and not right.strip("0") and int(left) > 1 << 53:
            return "long"  # 202101000000000003.0: an id of which a program has made a decimal number
        if len(left) + len(right) > 19:
            return "dot"
        return "dot3" if len(right) == 3 and 1 <= len(left) <= 3 and left[0] != "0" else "dot"
    if re.fullmatch(r"\d*,\d+|\d+,", core):
        left, _, right = core.partition(",")
        if len(left) > 1 and left[0] == "0":
            return None
        if len(left) > 15 and not right.strip("0") and int(left) > 1 << 53:
            return "long"
        return "comma3" if len(right) == 3 and 1 <= len(left) <= 3 and left[0] != "0" else "comma"
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3}){2,}", core):
        return "dots" if len(core) < GROUPED else "long"
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3}){2,}|[1-9]\d?(,\d{2})+,\d{3}", core):
        return "commas" if len(core) < GROUPED else "long"
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+\.\d*|[1-9]\d?(,\d{2})+,\d{3}\.\d*", core):
        return "commas_dot"
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+,\d*", core):
        return "dots_comma"
    m = re.fullmatch(r"[1-9]\d{0,2}((['’])\d{3}(?:\2\d{3})*)([.,]\d*)?", core)
    if m:
        return "long" if not m[3] and len(core) >= GROUPED else "apostrophe" + {"": "", ".": "_dot", ",": "_comma"}[(m[3] or "")[:1]]
    m = re.fullmatch(r"[1-9]\d{0,2}(([ \u00a0\u202f\u2009])\d{3}(?:\2\d{3})*)([.,]\d*)?", core)
    if m:
        return "long" if not m[3] and len(core) >= GROUPED else "blank" + {"": "", ".": "_dot", ",": "_comma"}[(m[3] or "")[:1]]
    return None


# Whose amounts are written 1.234,50 and whose 1,234.50: a currency that is in neither, or is written the other way round, tells nothing.
COMMA_MONEY = {"€", "EUR", "R$", "BRL", "zł", "PLN", "kr", "SEK", "NOK", "DKK", "Kč", "CZK", "Ft", "HUF", "₽", "RUB", "руб", "₺", "TRY", "₴", "UAH", "₫", "RON", "BGN", "lei", "лв", "грн", "Rp"}
POINT_MONEY = {"$", "US$", "C$", "A$", "HK$", "USD", "CAD", "AUD", "MXN", "NZD", "MX$", "NT$", "NZ$", "S$", "SGD", "HKD", "TWD", "£", "GBP", "¥", "円", "元", "원", "KRW", "THB", "AED", "SAR", "ILS", "Rs", "JPY", "CNY", "₹", "INR", "₩", "₪", "฿", "CHF", "Fr"}


def money_thousands(currency, sign):
    """Whether $1,234 or 1.234 € is a thousand: the sign is the one of thousands where this money is at home."""
    return currency.rstrip(".") in (POINT_MONEY if sign == "," else COMMA_MONEY)


# What a form says about the decimal sign.
SAYS = {"dot": ".", "commas": ".", "commas_dot": ".", "apostrophe_dot": ".", "blank_dot": ".", "exp_dot": ".",
        "comma": ",", "dots": ",", "dots_comma": ",", "apostrophe_comma": ",", "blank_comma": ",", "exp_comma": ","}


def number(text, decimal="."):
    """The number that a text is, given the decimal sign."""
    m = NUMBER.fullmatch(CENTS.sub(r"\g<1>00", bare(text)))
    if not m:
        return 0.0  # NOTHING
    core = BLANKS.sub("", m["core"]).replace("'", "").replace("’", "")
    core = core.replace("," if decimal == "." else ".", "").replace(",", ".")
    value = float(core + (m["e"] or ""))
    if m["open"] or m["in"] or "-" in (m["s1"], m["s2"], m["s3"]) or "−" in (m["s1"], m["s2"]):
        value = -value
    return value / 100 if m["c2"] == "%" else value / 1000 if m["c2"] == "‰" else value


def date_form(v):
    """("date", family, order, clock, zone): order says which of the first two numbers must be the day."""
    m = ISO.fullmatch(v)
    if m:
        return day_ok(m[1], m[3], m[4]) and ("date", "iso", "", bool(m[5]), bool(m[10]))
    m = LOCAL.fullmatch(v)
    if m:
        a, b = int(m[1]), int(m[3])
        if not (1 <= a <= 31 and 1 <= b <= 31) or a > 12 and b > 12:
            return None
        if m[2] == "." or a > 12:
            order = "day"
            if m[2] == "." and b > 12:
                return None
        elif b > 12:
            order = "month"
        else:
            order = "same" if a == b else "open"
        return ("date", "local" + m[2] + SHORT * (len(m[4]) == 2), order, bool(m[5]), bool(m[10]))
    m = DAY_NAMED.fullmatch(v)
    if m and m[2].lower() in MONTHS and 1 <= int(m[1]) <= 31:
        return ("date", "named" + SHORT * (len(m[3]) == 2), "", bool(m[4]), bool(m[9]))
    m = NAMED_DAY.fullmatch(v)
    if m and m[1].lower() in MONTHS and 1 <= int(m[2]) <= 31:
        return ("date", "named", "", bool(m[4]), bool(m[9]))
    return None


def real_day(v):
    """date_form of a day that there is, and whether it lies beyond what the program's dates can be."""
    found = date_form(v)
    if not found:
        return None
    read = [date(v, first) for first in ((True, False) if found[2] == "open" else (found[2] != "month",))]
    if None in read:
        return None
    return found + (not all(FIRST <= d.year <= LAST for d in read),)


FIRST, LAST = 1678, 2261  # the years that a datetime64[ns] can hold in full


def day_ok(year, month, day):
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def date(text, day_first=True):
    """A text as (year, month, day, hour, minute, second, microsecond, minutes from UTC or None); None where there is no such day."""
    import datetime
    v = bare(text)
    m = ISO.fullmatch(v)
    if m:
        y, mo, d, clock = int(m[1]), int(m[3]), int(m[4]), m.groups()[4:]
    else:
        m = LOCAL.fullmatch(v)
        if m:
            a, b, y, clock = int(m[1]), int(m[3]), m[4], m.groups()[4:]
            d, mo = (a, b) if day_first or m[2] == "." else (b, a)
        else:
            m = DAY_NAMED.fullmatch(v)
            if m and m[2].lower() in MONTHS:
                d, mo, y, clock = int(m[1]), MONTHS[m[2].lower()], m[3], m.groups()[3:]
            else:
                m = NAMED_DAY.fullmatch(v)
                if not m:
                    return None
                mo, d, y, clock = MONTHS[m[1].lower()], int(m[2]), m[3], m.groups()[3:]
        # As Python's %y and POSIX have it: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.
        y = int(y) if len(y) == 4 else int(y) + (2000 if int(y) < 69 else 1900)
    hour, minute, second, part, half, zone = clock
    hour = int(hour or 0)
    if half and half != "Uhr":
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    try:
        made = datetime.datetime(y, mo, d, hour, int(minute or 0), int(second or 0), int((part or "").ljust(6, "0")[:6] or 0))
    except ValueError:
        return None
    if zone:
        offset = ZONES[zone.upper()] if zone.upper() in ZONES else int(zone[:3]) * 60 + int(zone[0] + (zone[-2:] if len(zone) > 3 else "0"))
        try:
            made = made - datetime.timedelta(minutes=offset)
        except OverflowError:
            return None
    return made


def compact_day(number):
    """Whether a number is a day: 20240131."""
    import datetime
    try:
        return bool(datetime.date(number // 10000, number // 100 % 100, number % 100))
    except ValueError:
        return False


def shape(text):
    """The pattern of a text, without its value: 99-AA."""
    if len(text) > 60:
        return "*"
    out = []
    for c in text.strip()[:40]:
        out.append("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c if c in "-_/.:,+ ()#&%<>=±" else "?")
    return re.sub(r"(a)\1{3,}", r"\1…", "".join(out))
