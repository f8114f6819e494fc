package reading

import (
	"slices"
	"strings"
)

// What a box could not decide, and a person can. It is asked before a model is: a wrong guess
// is worse than a question. An answer changes how one request reads its file, and nobody else.

// Doubt is one such thing about a table.
type Doubt struct {
	Code   string `json:"code"`  // an odd thing's
	Table  int    `json:"table"` // counted as the file does
	Column string `json:"column,omitempty"`
	Sign   string `json:"sign,omitempty"` // that may be of thousands or of decimals
	// Encodings are those in which a text may be written, with a comma between them.
	Encodings string `json:"encodings,omitempty"`
}

// Choice is one answer to a doubt, and the words on its button.
type Choice struct{ Says, Words string }

// Answered is what somebody has said about a doubt. It holds for the content that it was said
// of: a file of the same name with other bytes is asked about anew.
type Answered struct {
	Doubt
	Says    string `json:"says"`
	By      string `json:"by"`
	Content string `json:"content"` // the sha256 of the file that it was said of
	// InVain marks what was told of a file that cannot be read by it.
	InVain bool `json:"in_vain,omitempty"`
}

// MostAsked is how many columns of one file people are asked about. What is beyond stays text,
// as the card says.
const MostAsked = 3

const (
	heading   = "heading_looks_like_values"
	thousands = "ambiguous_thousands"
	dates     = "ambiguous_dates"
	letters   = "encoding_guessed"
)

// Choices are the answers that there are; none where there is nothing to ask.
func (d Doubt) Choices() (choices []Choice) {
	switch d.Code {
	case heading:
		return []Choice{{"names", "They are names"}}
	case thousands:
		if d.Sign == "" {
			return nil // some values have a comma, some a point: no answer fits all
		}
		return []Choice{{"thousands", "A thousand"}, {"decimal", "A decimal number"}, {"text", "Neither: keep it as text"}}
	case dates:
		return []Choice{{"day_first", "The day comes first"}, {"month_first", "The month comes first"}, {"text", "Neither: keep it as text"}}
	case letters:
		for _, e := range d.InEncodings() {
			choices = append(choices, Choice{e, EncodingName(e) + writtenIn[e]})
		}
		return choices
	case toldBefore:
		return []Choice{{AsBefore, "Read it the same way"}, {NotBefore, "No, as you found it"}}
	case toldText:
		return []Choice{{"text", "Keep it as text"}}
	case toldDelimiter:
		return toldDelimiters
	case toldDecimal:
		return toldDecimals
	case toldEncoding:
		return Encodings()
	case toldHeading, toldSheet:
		return []Choice{{"", ""}} // a line or a name: see fits
	}
	return nil
}

// InEncodings are the encodings that are asked about, the most plausible first; none where
// something else is.
func (d Doubt) InEncodings() []string {
	if d.Code != letters {
		return nil
	}
	return strings.Split(d.Encodings, ",")
}

// Words ask.
func (d Doubt) Words() string {
	switch d.Code {
	case letters:
		return "Its letters can be read in more than one way, and I cannot tell which is right. Compare shows them to you alone."
	case heading:
		return "The first row looks like values (addresses, ids), not like names of columns. Are they names? A model would see them."
	case thousands:
		return "In " + quoted(d.Column) + ", is 1" + d.Sign + "234 a thousand, or a little more than one?"
	case dates:
		return "In " + quoted(d.Column) + ", is 03/04 the third of April, or the fourth of March?"
	}
	return ""
}

// Words say an answer for who looks at it later.
func (a Answered) Words() string {
	if strings.HasPrefix(a.Code, "told_") {
		return a.orInVain(a.toldWords())
	}
	if a.Code == letters {
		return a.orInVain("it is written in " + EncodingName(a.Says))
	}
	name := quoted(a.Column) + ": "
	switch a.Says {
	case "names":
		return "the first row is names"
	case "thousands":
		return name + "1" + a.Sign + "234 is a thousand"
	case "decimal":
		return name + "1" + a.Sign + "234 is a little more than one"
	case "day_first":
		return name + "the day comes first"
	case "month_first":
		return name + "the month comes first"
	}
	return name + "kept as text"
}

// Doubts are what is to be asked about a reading, in its order, without what was answered.
func (r *Reading) Doubts(answers []Answered) (open []Doubt) {
	// What was told without a question, and the letters, are no column.
	asked := 0
	for _, a := range answers {
		if !strings.HasPrefix(a.Code, "told_") && a.Code != letters {
			asked++
		}
	}
	// The letters come first: under another encoding the names and values of all the other questions
	// would read otherwise.
	if in := (Doubt{Code: letters, Encodings: strings.Join(append([]string{r.Encoding}, r.Others...), ",")}); len(r.Others) > 0 && !slices.ContainsFunc(answers, func(a Answered) bool { return a.Doubt == in }) {
		open = append(open, in)
	}
	for i, t := range r.Tables {
		for _, o := range t.Odd {
			d := Doubt{Code: o.Code, Table: r.place(i), Column: o.Column}
			if at := t.column(o.Column); at >= 0 && o.Code == thousands {
				d.Sign = t.Columns[at].Thousands
			}
			if d.Choices() == nil || slices.ContainsFunc(answers, func(a Answered) bool { return a.Doubt == d }) {
				continue
			}
			if d.Code != heading {
				// Whether a heading is names is always asked, because a model would see it. Columns are asked
				// about up to a number, over all answers that were given before: nobody is asked for ever.
				if asked >= MostAsked {
					continue
				}
				asked++
			}
			open = append(open, d)
		}
	}
	return open
}

// column is where a column of this name stands; -1 where none does. Of two of one name, the first.
func (t Table) column(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// Settled is the reading as the answers have it. What is no answer of ours changes nothing.
func (r *Reading) Settled(answers []Answered) *Reading {
	if r == nil || len(answers) == 0 {
		return r
	}
	settled := *r
	settled.Tables = slices.Clone(r.Tables)
	for _, a := range answers {
		// An answer names its table by its place in the file. Tables carry their places once one of them
		// has been put first.
		at := slices.IndexFunc(settled.Tables, func(t Table) bool { return t.Place == a.Table+1 })
		if at < 0 { // they stand as they do in the file
			at = a.Table
		}
		if at < 0 || at >= len(settled.Tables) || !a.fits() {
			continue
		}
		if a.Code == toldSheet {
			settled.first(a.Table)
			continue
		}
		t := &settled.Tables[at]
		// "text" leaves the odd thing where it is: the column is text still, and the card goes on saying why.
		t.Odd = slices.DeleteFunc(slices.Clone(t.Odd), func(o Odd) bool { return o.Code == a.Code && o.Column == a.Column && a.Says != "text" })
		in := t.column(a.Column)
		if in < 0 {
			continue
		}
		t.Columns = slices.Clone(t.Columns)
		t.Columns[in].settle(a)
		if a.Code == toldText { // what was odd about its values is no more
			t.Odd = slices.DeleteFunc(t.Odd, func(o Odd) bool { return o.Column == a.Column })
		}
	}
	return &settled
}

// settle gives a column of texts the type that somebody has said it has.
func (c *Column) settle(a Answered) {
	// Where a point is of thousands, the decimal sign is a comma, and the other way round.
	other := map[string]string{".": ",", ",": "."}[a.Sign]
	if a.Code == toldText {
		*c = Column{Name: c.Name, Type: "text", DType: "object", Missing: c.Missing}
		return
	}
	switch a.Says {
	case "thousands": // every value is whole, or it would have said its decimal sign
		c.Type, c.DType, c.Decimal, c.Thousands, c.DecimalSaid, c.Pattern = "integer", "int64", other, a.Sign, true, ""
		if c.Missing > 0 {
			c.DType = "float64"
		}
	case "decimal":
		c.Type, c.DType, c.Decimal, c.Thousands, c.DecimalSaid, c.Pattern = "number", "float64", a.Sign, "", true, ""
	case "day_first", "month_first":
		c.Type, c.DType, c.DayFirst, c.Pattern = "date", "datetime64[ns]", strings.HasPrefix(a.Says, "day"), ""
	}
}
