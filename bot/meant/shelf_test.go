package meant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw"
)

// shelf is a channel in which people have shared these files.
func shelf(files ...approval.File) (s Shelf) {
	for _, f := range files {
		s.Put(Shared{File: f})
	}
	return s
}

// In a direct message somebody may use what is pinned to several channels.
func TestANameThatIsPinnedInTwoChannelsIsAskedAbout(t *testing.T) {
	t.Parallel()
	one, two := approval.File{ID: "F1", Name: "sales.csv", SHA256: "aa", Pinned: "C1"}, approval.File{ID: "F2", Name: "Sales.csv", SHA256: "bb", Pinned: "C2"}
	unclear := func(known []string, pinned ...approval.File) *approval.Cause {
		s := shelf()
		s.Pinned = pinned
		s.First(known)
		files, _ := s.Named("sum of sales.csv", true)
		require.Len(t, files, 1)
		if len(known) > 0 {
			require.Equal(t, known[0], files[0].ID)
		}
		return s.Unclear(files, known)
	}
	require.Equal(t, &approval.Cause{Code: approval.WhichFile, File: "sales.csv", Files: []approval.File{one, two}}, unclear(nil, one, two))
	require.Nil(t, unclear([]string{"F2"}, one, two), "its thread is about one of them")
	same, both, beside := two, one, two
	same.SHA256, both.Pinned, beside.Pinned = "aa", "C2", "C1"
	require.Nil(t, unclear(nil, one, same), "a copy of it in the other channel")
	require.Nil(t, unclear(nil, one, both), "one file, pinned to both")
	require.Nil(t, unclear(nil, one, beside), "of one channel the former stands, as in the channel")
	require.Nil(t, unclear(nil, one))
}

func TestFilesAreFoundByTheirNames(t *testing.T) {
	t.Parallel()
	names := func(files []approval.File) (list []string) {
		for _, f := range files {
			list = append(list, f.Name)
		}
		return list
	}
	file := func(names ...string) (list []approval.File) {
		for _, n := range names {
			list = append(list, approval.File{ID: "F" + n, Name: n})
		}
		return list
	}
	tests := []struct {
		name, question string
		files, own     []approval.File
		want           []string
		missing        string
	}{
		{"by its name", "sum of sales.csv please", file("sales.csv", "costs.csv"), nil, []string{"sales.csv"}, ""},
		{"in any case", "sum of SALES.CSV?", file("Sales.csv"), nil, []string{"Sales.csv"}, ""},
		{"at the end of a sentence", "Read sales.csv.", file("sales.csv"), nil, []string{"sales.csv"}, ""},
		{"by its stem", "what were sales in May?", file("sales.csv", "costs.csv"), nil, []string{"sales.csv"}, ""},
		{"a stem is a whole word", "what did wholesales cost?", file("sales.csv"), nil, nil, ""},
		{"with a hyphen beside it", "year-to-date sales-totals", file("sales.csv"), nil, []string{"sales.csv"}, ""},
		{"a stem of one letter is no name", "what is a mean?", file("a.csv"), nil, nil, ""},
		{"two of them", "join sales.csv and costs.csv", file("sales.csv", "costs.csv", "other.csv"), nil, []string{"sales.csv", "costs.csv"}, ""},
		{"the stem inside another's name does not count", "sum sales.csv", file("sales.csv", "sales.xlsx"), nil, []string{"sales.csv"}, ""},
		{"a name with spaces", "open Q1 report.xlsx now", file("Q1 report.xlsx", "report.xlsx"), nil, []string{"Q1 report.xlsx"}, ""},
		{"a missing one", "open nosuch.tsv", file("sales.csv"), nil, nil, "nosuch.tsv"},
		{"a packed one", "sum of sales.csv.gz", file("sales.csv.gz", "costs.csv"), nil, []string{"sales.csv.gz"}, ""},
		{"a missing packed one", "sum of salse.csv.gz", file("costs.csv"), nil, nil, "salse.csv.gz"},
		{"in another script", "Сколько в продажи.csv?", file("продажи.csv"), nil, []string{"продажи.csv"}, ""},
		{"however its accents are composed", "sum of cafe\u0301.csv", file("caf\u00e9.csv"), nil, []string{"caf\u00e9.csv"}, ""},
		{"a stem beside a whole name means nothing", "Total sales per genre in vgsales.csv?", file("sales.csv", "vgsales.csv"), nil, []string{"vgsales.csv"}, ""},
		{"nor does one of a result", "What is the total amount in orders_may.csv?", file("orders_may.csv", "total.csv"), nil, []string{"orders_may.csv"}, ""},
		{"a result of the same thread, when named", "plot table.csv", file("sales.csv"), file("table.csv"), []string{"table.csv"}, ""},
		{"it comes before a person's file of the same name", "plot table.csv", file("table.csv"), file("table.csv"), []string{"table.csv"}, ""},
		{"nearly a file's name, beside a word that is its stem", "sales per month in salse.csv", file("sales.csv"), nil, nil, "salse.csv"},
		{"a name to be written, beside a stem", "write the sum of sales to totals.csv", file("sales.csv"), nil, []string{"sales.csv"}, "totals.csv"},
		{"nothing", "how many?", file("sales.csv", "costs.csv"), nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, missing := shelf(tt.files...).Named(tt.question, true, tt.own...)
			require.Equal(t, tt.want, names(got))
			require.Equal(t, tt.missing, missing)
		})
	}
}

func TestInAThreadWithFilesAWordMeansNone(t *testing.T) {
	t.Parallel()
	s := shelf(approval.File{ID: "F1", Name: "sales.csv"}, approval.File{ID: "F2", Name: "vgsales.csv"})
	got, missing := s.Named("now total sales by platform, the top 10", false)
	require.Empty(t, got)
	require.Empty(t, missing)
	got, _ = s.Named("and in sales.csv?", false)
	require.Len(t, got, 1, "a whole name does")
}

func TestAResultIsNoInputByItsName(t *testing.T) {
	t.Parallel()
	s := shelf(approval.File{ID: "F1", Name: "orders_may.csv"})
	s.Put(Shared{File: approval.File{ID: "F2", Name: "total.csv"}, Ours: true})
	picked, cause := s.Pick("What is the total amount in orders_may.csv?", true)
	require.Nil(t, cause)
	require.Equal(t, []approval.File{{ID: "F1", Name: "orders_may.csv"}}, picked.Files)
	picked, cause = s.Pick("What is the total amount?", true)
	require.Nil(t, cause)
	require.Equal(t, "F1", picked.Files[0].ID, "the only file is the one that somebody has shared")
	_, cause = s.Pick("What is in total.csv?", true)
	require.Equal(t, &approval.Cause{Code: approval.NoFile, File: "total.csv", Files: []approval.File{{ID: "F2", Name: "total.csv"}}}, cause, "somebody may pick it by hand")
	require.Len(t, s.Choices(), 2)
}

func TestANameThatIsNearlyAFilesIsAskedAbout(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"salse.csv":       {"sales.csv"},
		"sale.csv":        {"sales.csv"},
		"SALES.xlsx":      {"sales.csv"},
		"sals.csv":        {"sales.csv"},
		"costs_2024.csv":  {"costs_2025.csv", "costs_2023.csv"},
		"weather.csv":     nil,
		"customer.csv":    {"customers.csv"},
		"costs-2025.csv":  {"costs_2025.csv", "costs_2023.csv"},
		"regions.parquet": nil,
	} {
		s := shelf(approval.File{Name: "costs_2025.csv"}, approval.File{Name: "sales.csv"}, approval.File{Name: "customers.csv"}, approval.File{Name: "costs_2023.csv"})
		_, cause := s.Pick("What is in "+typed+"?", true)
		if typed == "regions.parquet" {
			require.Equal(t, approval.WhichFile, cause.Code, "no name that could be read")
			continue
		}
		require.Equal(t, approval.NoFile, cause.Code, typed)
		var names []string
		for _, f := range cause.Files {
			names = append(names, f.Name)
		}
		require.Equal(t, want, names, typed)
	}
	require.Equal(t, 1, distance("salse", "sales"))
	require.Equal(t, 3, distance("", "abc"))
	require.Equal(t, 2, distance("ab", "ba12")-1)
}

func TestAQuestionIsKeptWithTheNameThatWasMeant(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Sum of sales.csv by month?", Instead("Sum of Salse.csv by month?", "salse.csv", "sales.csv"))
	require.Equal(t, "Sum it", Instead("Sum it", "salse.csv", "sales.csv"))
	require.Equal(t, "Sum it", Instead("Sum it", "", "sales.csv"))
}

func FuzzFilesAreFoundInAnyWords(f *testing.F) {
	f.Add("sum sales.csv", "sales.csv")
	f.Add("\xff.csv \u0130", "\xff.csv")
	f.Add("a.b.csv.", "b.csv")
	f.Fuzz(func(t *testing.T, question, name string) {
		if !draw.Data(name) {
			return
		}
		s := shelf(approval.File{ID: "F1", Name: name})
		files, _ := s.Named(question, true)
		require.LessOrEqual(t, len(files), 1)
		again, _ := s.Named(name, true)
		require.Len(t, again, 1, "a file is found by its own name")
	})
}
