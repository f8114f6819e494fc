"""In which encoding a text is. No library: on short files a plausibility of letters is right where they are not.

UTF-8 if it decodes, UTF-16 and UTF-32 by their marks or zeros, else the encoding that makes
letters of one plausible language. guess says how sure it is: below SURE a person should be asked.
"""

import codecs
import functools
import re
import unicodedata

SURE = 0.25
CERTAIN = 9.0
SAMPLE = 24 << 10  # bytes of lines with something else than ASCII in them

# What is tried, and how much must speak for it: the rarer, the more.
CANDIDATES = {"cp1252": 0, "cp1251": 0, "gb18030": 0.3, "cp932": 0.2, "big5": 0.3, "cp949": 0.3, "euc_jp": 0.3, "cp1250": 0.3, "cp1253": 0.3,
              "cp1254": 0.4, "cp1255": 0.4, "cp1256": 0.6, "koi8_r": 0.4, "koi8_u": 0.41, "cp866": 0.4, "cp850": 0.5, "mac_roman": 0.6, "iso8859_2": 0.5, "cp852": 0.7,
              "cp1257": 0.6, "cp437": 0.8}
WEST = "äöüßéèêëàâçîïôûùœæñáíóúåøãõÄÖÜÉÈÊÀÂÇÎÔÛÑÁÍÓÚÅØÆŒ£°²³«»"
RARE = set("ðþýţÐÞÝŢìòÌÒ½¼µ·±§ªº¿¡")  # in the West
MIDDLE = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽőűŐŰäöüßăâîşŞĂÂÎÄÖÜ"
# The letters beyond ASCII that the languages written in an encoding really use.
USED = {"cp1252": WEST + "€–’“”„‘…•™", "cp850": WEST, "cp437": WEST, "mac_roman": WEST + "€–’“”„‘…•™", "cp1250": MIDDLE + "€–’“”„",
        "iso8859_2": MIDDLE, "cp852": MIDDLE, "cp1254": "çğıöşüÇĞİÖŞÜâîû€–’“”", "cp1257": "āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽąčęėįšųūžĄČĘĖĮŠŲŪŽõäöüÕÄÖÜ"}
# In these, the common characters have their places; the others are rare in real text.
COMMON = {"gb18030": (lambda b: len(b) == 2 and 0xB0 <= b[0] <= 0xF7 and b[1] >= 0xA1, 2.0), "big5": (lambda b: 0xA4 <= b[0] <= 0xC6, 1.5),
          "cp949": (lambda b: 0xB0 <= b[0] <= 0xC8 and len(b) > 1 and b[1] >= 0xA1, 1.5), "cp932": (lambda b: 0x82 <= b[0] <= 0x97, 1.0),
          "euc_jp": (lambda b: 0xA4 <= b[0] <= 0xCF, 1.0)}
# Characters that make up more than half of what is written in a language, and those that headings and places are made of.
SIMPLIFIED = ("的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
              "金额数量名称区城市编号单价合计客户产品销售月北京海广东南西苏浙江门店省县部组员工资费用率订期始终止类型状态备注总平均最高低入收支出利润成本电话址姓性别男女龄元件箱台季度商品货库存供应川湖山河重庆津深圳杭州武汉")
TRADITIONAL = ("的一是不了人我在有他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長"
               "金額數量名稱區城市編號單價合計客戶產品銷售月北京海廣東南西台灣高雄店省縣部組員工資費用率訂期始終止類型狀態備註總平均最低入收支利潤成本電話址姓性別男女齡元件箱季度商貨庫存供應川湖山河香港新竹")
JAPANESE = ("日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨地域売上阪京都府県市区町村顧客数量商品価格合計名古屋"
            "番号店担当者部課社員給与売単価税込抜期間開始終了種類状態備考総平均最低収支利益原費用住所氏性別齢個件箱台四季度在庫仕入先注文納福岡札幌横浜神戸広島愛知株式会新宿渋谷")
FREQUENT = {"gb18030": set(SIMPLIFIED + TRADITIONAL), "big5": set(TRADITIONAL), "cp932": set(JAPANESE), "euc_jp": set(JAPANESE), "cp949": set()}
SIGNS = ("So", "Sm", "Sk", "Po", "Sc", "No", "Pd", "Pi", "Pf", "Ps", "Pe", "Lm")


@functools.lru_cache(None)
def script(c):
    name = unicodedata.name(c, "")
    for s in ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "HIRAGANA", "KATAKANA", "CJK", "HANGUL"):
        if name.startswith(s):
            return {"HIRAGANA": "kana", "KATAKANA": "kana", "CJK": "han"}.get(s, s)
    return None


@functools.lru_cache(1 << 16)
def strange(c, encoding):
    """How implausible a character is in a text of this encoding."""
    category, bad = unicodedata.category(c), 0.0
    if category in ("Cc", "Cn", "Co"):
        return 8.0
    if category[0] == "L":
        s = script(c)
        if s is None:
            bad = 0.9 if c in RARE and encoding in USED else 4.0
        elif s == "LATIN":
            bad = 1.5 if encoding not in USED else 0.0 if c in USED[encoding] else 0.9 if c in RARE else 2.0
        elif s == "kana" and 0xFF61 <= ord(c) <= 0xFF9F:
            bad = 3.0  # half-width katakana: the mark of a wrong guess
        elif s == "han" and not 0x4E00 <= ord(c) <= 0x9FFF:
            bad = 4.0
        if encoding in COMMON and s in ("kana", "han", "HANGUL") and c not in FREQUENT[encoding]:
            common, cost = COMMON[encoding]
            b = c.encode(encoding)
            if not common(b):
                bad += cost
            if s == "han":
                bad += 0.25
            if encoding == "gb18030" and len(b) == 2 and b[0] >= 0xD8:
                bad += 1.0
    elif category in SIGNS:
        bad = 0.6 if c in USED.get(encoding, "") else 1.2
    return bad


def cost(raw, encoding):
    """How implausible a text is in this encoding, by the letter; None where it cannot be."""
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    high = [c for c in text if ord(c) > 127]
    if not high:
        return 0.0
    bad = sum(strange(c, encoding) for c in high)
    for word in re.findall(r"\w*[^\W\x00-\x7f]\w*", text):
        scripts = {script(c) for c in word if c.isalpha()} - {None}
        asian = scripts & {"kana", "han"}
        if len(scripts - {"kana", "han"}) > 1 or (asian and scripts - {"kana", "han"}):
            bad += 2 * len(word)
        if any(a.islower() and b.isupper() for a, b in zip(word, word[1:])):
            bad += 2
        if scripts == {"GREEK"}:
            bad += 2.0 * (word[-1] == "σ" or "ς" in word[:-1])
            if len(word) > 2 and not word.isupper() and not re.search("[άέήίόύώϊϋΐΰΆΈΉΊΌΎΏ]", word):
                bad += 0.25 * len(word)  # every word of two syllables bears an accent
        if scripts == {"CYRILLIC"} and len(word) > 2 and not re.search("[аеёиоуыэюяіїєАЕЁИОУЫЭЮЯІЇЄ]", word) and not word.isupper():
            bad += 0.25 * len(word)
    money = len(re.findall(r"\d\s?[€£](?!\w)|(?<!\w)[€£]\s?\d", text))
    bad -= 0.6 * money  # a sign of money beside a number is what one expects there, and a letter is not
    bad -= 1.2 * len(re.findall(r"(?<![^\W\d_])(?:°\s?[CFK]?(?!\w)|[µμ](?:[mglsVAFWJM]|bar|mol)(?!\w)|[cdkm]?m[²³](?!\w))", text))  # units
    bad += 2 * len(re.findall(r"\d\s?[^\W\d_\x00-\x7f](?!\w)", text))
    if encoding == "cp932":  # ﾃﾞﾝｷ beside 日付 is how banks write
        bad -= min(sum(c in FREQUENT[encoding] for c in high), sum(0xFF61 <= ord(c) <= 0xFF9F for c in high)) * 2.7
    letters = [c for c in high if c.isalpha()]
    if len(letters) >= 8 and script(letters[0]) == "CYRILLIC" and not any(c.isupper() for c in letters):
        bad += 0.1 * len(high)  # names of columns and places begin with a capital, where a script has them
    if encoding in COMMON and not any(script(c) in ("kana", "han", "HANGUL") for c in high):
        bad += len(high)
    return bad / len(high) + CANDIDATES[encoding] * 0.15


def telling(raw):
    """The lines that hold something else than ASCII: nothing else tells."""
    kept, room = [], SAMPLE
    for line in re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", raw):
        kept.append(line)
        room -= len(line)
        if room < 0:
            break
    return b"\n".join(kept)


def others(raw, best):
    """The most plausible encodings that make something else of it than the best one: two at most."""
    said = telling(raw)
    texts = {said.decode(best, "replace")}
    found = []
    for _, name in sorted((c, name) for name in CANDIDATES for c in [cost(said, name)] if c is not None):
        text = said.decode(name)
        if text not in texts:
            texts.add(text)
            found.append(name)
    return found[:2]


def wide(raw, name):
    """Whether bytes make sense as UTF-16: lines, and letters of two scripts at most."""
    text = raw.decode(name, "replace")
    scripts = {script(c) for c in text[:4096] if c.isalpha()} - {None, "kana"}
    return "\n" in text and "\ufffd" not in text[:-1] and len(scripts) <= 2 and not any(unicodedata.category(c) in ("Cn", "Co") for c in text[:4096])


def foreign(text):
    """Whether what was guessed is no text at all: no line ends, and most of it is beyond ASCII. So EBCDIC looks, as mainframes write it."""
    return len(text) > 20 and "\n" not in text and "\r" not in text and 2 * sum(c > "\x7f" for c in text) > len(text)


def guess(raw, whole=True):
    """The encoding as Python calls it, and how sure: 9 is certain. raw may be the beginning of a file (whole=False)."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                       (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if raw.startswith(mark):
            return name, CERTAIN
    n = len(raw) // 2
    if n and raw[1:2 * n:2].count(0) > n * 0.4 and raw[0:2 * n:2].count(0) < n * 0.1:
        return "utf-16-le", CERTAIN
    if n and raw[0:2 * n:2].count(0) > n * 0.4 and raw[1:2 * n:2].count(0) < n * 0.1:
        return "utf-16-be", CERTAIN
    # Letters of other scripts have no zero byte; digits, delimiters and ends of lines have.
    for name, zeros, others in (("utf-16-le", raw[1:2 * n:2], raw[0:2 * n:2]), ("utf-16-be", raw[0:2 * n:2], raw[1:2 * n:2])):
        if n and zeros.count(0) > n * 0.05 and not others.count(0) and wide(raw[:2 * n], name):
            return name, CERTAIN
    if raw.isascii():
        return "utf-8", CERTAIN
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
        return "utf-8", CERTAIN
    except UnicodeDecodeError:
        pass
    said = telling(raw)
    # A few bytes of something else in a file that is UTF-8 otherwise: damaged, but UTF-8.
    good = len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", said))
    rest = len(re.findall(rb"[\x80-\xff]", re.sub(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", b"", said)))
    if good >= 3 and good > 2 * rest:
        return "utf-8", 1.0
    if not whole:
        said = said.rpartition(b"\n")[0] or said
    costs = sorted((c, name) for name in CANDIDATES for c in [cost(said, name)] if c is not None)
    if not costs:
        return "latin-1", 0.0
    best = costs[0][1]
    text = said.decode(best)
    second = next((c for c, name in costs[1:] if said.decode(name) != text), CERTAIN)
    return best, round(min(CERTAIN, second - costs[0][0]), 3)
