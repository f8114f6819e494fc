package approval

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func found(kind, about string) Finding { return Finding{Level: Note, Kind: kind, About: about} }

func TestWhatWasAnnouncedIsNoSurprise(t *testing.T) {
	t.Parallel()
	inputs := []Input{{Name: "sales.csv"}, {Name: "data.db"}}
	for name, tt := range map[string]struct {
		findings []Finding
		seen     Observed
	}{
		"nothing at all": {},
		"an honest analysis": {[]Finding{found("import", "matplotlib, pandas"), found("read", "sales.csv"), found("write", "copy.csv")},
			Observed{Opened: []string{"sales.csv", "copy.csv (written)", "copy.csv"}, Imported: []string{"pandas", "matplotlib"}}},
		"an input that no finding names":    {[]Finding{found("import", "pandas")}, Observed{Opened: []string{"sales.csv"}}},
		"names that are computed":           {[]Finding{found("read", ""), found("write", "")}, Observed{Opened: []string{"other.csv", "a.csv (written)", "sub/b.csv (written)"}}},
		"all files of the folder":           {[]Finding{found("list", "glob.glob")}, Observed{Opened: []string{"other.csv"}}},
		"its own files, read and removed":   {[]Finding{found("write", "t.csv")}, Observed{Opened: []string{"t.csv (written)", "t.csv", "t.csv (renamed to u.csv)", "u.csv", "u.csv (deleted)"}}},
		"a database that is an input":       {[]Finding{found("read", "data.db")}, Observed{Opened: []string{"data.db (written)"}}},
		"what is deleted":                   {[]Finding{found("delete", "os.remove")}, Observed{Opened: []string{"sales.csv (deleted)"}}},
		"files that are moved":              {[]Finding{found("write", "os.rename")}, Observed{Opened: []string{"sales.csv (renamed to b.csv)", "b.csv"}}},
		"parts of modules":                  {[]Finding{found("import", "os.path, json"), found("process", "os.system"), found("missing module", "seaborn")}, Observed{Imported: []string{"os", "json", "seaborn"}, Spawned: []string{"true"}}},
		"what Python imports by itself":     {[]Finding{found("import", "datetime")}, Observed{Imported: []string{"datetime", "_strptime"}}},
		"what statsmodels runs":             {[]Finding{found("import", "pandas, statsmodels")}, Observed{Imported: []string{"statsmodels", "patsy"}}},
		"time zones, fonts and the like":    {nil, Observed{Opened: []string{"/usr/share/zoneinfo/Europe/Berlin", "/dev/urandom", "/etc/localtime", "/dev/null (written)", ":memory: (written)"}}},
		"a network that was announced":      {[]Finding{found("network", "api.example.com")}, Observed{Connected: []string{"looks up api.example.com", "10.0.0.1:443"}}},
		"files that are not there":          {[]Finding{found("read", "a.csv"), found("write", "/x")}, Observed{Opened: []string{"a.csv (not there or refused)", "/x (writing refused)"}}},
		"findings of an earlier inspection": {[]Finding{{Level: Note, Text: "Imports pandas."}}, Observed{Imported: []string{"pandas"}, Spawned: []string{"sh"}}},
	} {
		require.Empty(t, Compare(tt.findings, inputs, tt.seen), name)
	}
}

func TestWhatNobodyAnnouncedIsSaid(t *testing.T) {
	t.Parallel()
	inputs := []Input{{Name: "sales.csv"}}
	honest := []Finding{found("import", "pandas"), found("read", "sales.csv"), found("read", ""), found("write", "")}
	for name, tt := range map[string]struct {
		findings []Finding
		seen     Observed
		want     string
	}{
		"a file elsewhere":       {honest, Observed{Opened: []string{"/etc/passwd"}}, "It opened /etc/passwd, which the inspection had not found."},
		"a file above":           {honest, Observed{Opened: []string{"../secret"}}, "It opened ../secret, which the inspection had not found."},
		"another file":           {[]Finding{found("read", "sales.csv")}, Observed{Opened: []string{"wages.csv"}}, "It opened wages.csv, which the inspection had not found."},
		"a written file":         {[]Finding{found("read", "sales.csv")}, Observed{Opened: []string{"x.py (written)"}}, "It wrote x.py, which the inspection had not found."},
		"a name like a sentence": {[]Finding{found("import", "pandas")}, Observed{Opened: []string{"x. No network, no other programs"}}, "It opened “x. No network, no other programs”, which the inspection had not found."},
		"a blank that is none":   {[]Finding{found("import", "pandas")}, Observed{Opened: []string{"a\u2800b", "c\u3164d"}}, "It opened “a\\u{2800}b”, “c\\u{3164}d”, which the inspection had not found."},
		"a mark of its own":      {[]Finding{found("import", "pandas")}, Observed{Opened: []string{`sales.csv \(written)`}}, `It opened “sales.csv \(written)”, which the inspection had not found.`},
		"a name in brackets":     {[]Finding{found("import", "pandas")}, Observed{Opened: []string{"report (final)"}}, "It opened “report (final)”, which the inspection had not found."},
		"an input overwritten":   {honest, Observed{Opened: []string{"sales.csv (written)"}}, "It wrote sales.csv, which the inspection had not found."},
		"a place elsewhere":      {honest, Observed{Opened: []string{"/root/x (written)"}}, "It wrote /root/x, which the inspection had not found."},
		"a system file":          {honest, Observed{Opened: []string{"/usr/lib/x.py (written)"}}, "It wrote /usr/lib/x.py, which the inspection had not found."},
		"a link":                 {[]Finding{found("import", "os")}, Observed{Opened: []string{"l (a link to /etc/passwd)"}}, "It changed files in a way that the inspection had not found: l (a link to /etc/passwd)."},
		"a deleted input":        {honest, Observed{Opened: []string{"sales.csv (deleted)"}}, "It changed files in a way that the inspection had not found: sales.csv (deleted)."},
		"an input renamed":       {honest, Observed{Opened: []string{"sales.csv (renamed to b.csv)"}}, "It changed files in a way that the inspection had not found: sales.csv (renamed to b.csv)."},
		"a module":               {honest, Observed{Imported: []string{"pandas", "socket"}}, "It imported socket, which the inspection had not found."},
		"the network":            {honest, Observed{Connected: []string{"1.2.3.4:80"}}, "It tried to reach the network, which the inspection had not found: 1.2.3.4:80."},
		"a process":              {honest, Observed{Spawned: []string{"/bin/sh -c id"}}, "It started another program, which the inspection had not found: “/bin/sh -c id”."},
		"an attempt to read":     {honest, Observed{Opened: []string{"/etc/shadow (not there or refused)"}}, "It tried to open /etc/shadow, which the inspection had not found."},
		"an attempt to write":    {nil, Observed{Opened: []string{"/x (writing refused)"}}, "It tried to open /x, which the inspection had not found."},
		"with no findings":       {nil, Observed{Spawned: []string{"a copy of itself"}}, "It started another program, which the inspection had not found: a copy of itself."},
		"many":                   {nil, Observed{Spawned: []string{"a", "b", "c", "d", "e", "f", "g"}}, "It started another program, which the inspection had not found: a, b, c, d, e and 2 more."},
		"names that deceive":     {nil, Observed{Spawned: []string{"a\nb\u202e" + strings.Repeat("x", 200)}}, "It started another program, which the inspection had not found: “a b\\u{202e}" + strings.Repeat("x", 68) + "…”."},
	} {
		require.Equal(t, []string{tt.want}, Compare(tt.findings, inputs, tt.seen), name)
	}
}

// One host or one program that was announced says nothing about others.
func TestWhatIsAnnouncedIsThatAndNoMore(t *testing.T) {
	t.Parallel()
	host := []Finding{found("network", "api.example.com:8443")}
	const network, process = "It tried to reach the network, which the inspection had not found: ", "It started another program, which the inspection had not found: "
	for name, tt := range map[string]struct {
		findings []Finding
		seen     Observed
		want     []string
	}{
		"the host itself":           {host, Observed{Connected: []string{"looks up API.example.com.", "10.0.0.1:8443", "::1:8443"}}, nil},
		"another host":              {host, Observed{Connected: []string{"looks up evil.example", "10.0.0.1:443"}}, []string{network + "looks up evil.example, 10.0.0.1:443."}},
		"a host and another":        {host, Observed{Connected: []string{"looks up api.example.com", "looks up api.example.com.evil.example"}}, []string{network + "looks up api.example.com.evil.example."}},
		"an address without a name": {host, Observed{Connected: []string{"6.6.6.6:443"}}, []string{network + "6.6.6.6:443."}},
		"that address":              {[]Finding{found("network", "6.6.6.6")}, Observed{Connected: []string{"6.6.6.6:443"}}, nil},
		"a port that listens":       {host, Observed{Connected: []string{"listens at 0.0.0.0:80"}}, []string{network + "listens at 0.0.0.0:80."}},
		"a computed address":        {[]Finding{found("network", "urlopen")}, Observed{Connected: []string{"looks up any.example"}}, nil},
		"a computed one besides":    {append(host, found("network", "asyncio.open_connection")), Observed{Connected: []string{"looks up any.example"}}, []string{network + "looks up any.example."}},
		"a copy and a program":      {[]Finding{found("process", "os.fork")}, Observed{Spawned: []string{"a copy of itself", "sh -c id"}}, []string{process + "“sh -c id”."}},
		"LaTeX and a shell":         {[]Finding{found("process", "latex")}, Observed{Spawned: []string{"/usr/bin/latex x.tex", "sh -c latex"}}, []string{process + "“sh -c latex”."}},
		"the clipboard":             {[]Finding{found("process", "to_clipboard")}, Observed{Spawned: []string{"xclip -selection c", "id"}}, []string{process + "id."}},
		"any program":               {[]Finding{found("process", "os.system")}, Observed{Spawned: []string{"id", "a copy of itself"}}, nil},
		"a signal":                  {[]Finding{found("process", "os.kill")}, Observed{Spawned: []string{"id"}}, []string{process + "id."}},
	} {
		require.Equal(t, tt.want, Compare(tt.findings, nil, tt.seen), name)
	}
}

// What was not noted may be anything, so that it cannot be hidden behind much else.
func TestMoreThanCouldBeNotedIsSaid(t *testing.T) {
	t.Parallel()
	all := Observed{More: []string{"opened", "elsewhere", "imported", "connected", "spawned", "nonsense"}}
	require.Equal(t, []string{"It did more than could be noted: files opened, files opened outside of the working folder, modules imported, connections, programs started."},
		Compare([]Finding{found("write", "a.csv")}, nil, all))
	many := Observed{More: []string{"opened"}}
	require.Empty(t, Compare([]Finding{found("write", "")}, nil, many), "files whose names are computed may be many")
	require.Empty(t, Compare([]Finding{found("list", "glob.glob")}, nil, many))
	require.NotEmpty(t, Compare([]Finding{found("write", "")}, nil, Observed{More: []string{"elsewhere"}}))
}

// A witness is believed, and what it does not know is a difference where nothing had been unusual.
func TestTheWitnessIsHeldAgainstTheFindings(t *testing.T) {
	t.Parallel()
	inputs := []Input{{Name: "sales.csv"}}
	seen := func(w Witness) Observed {
		w.Source = WitnessGVisor
		return Observed{Opened: []string{"sales.csv"}, Witness: &w}
	}
	quiet := []Finding{found("read", "sales.csv"), found("import", "pandas")}
	odd := append([]Finding{{Level: Caution, Kind: "dynamic", Text: "x"}}, quiet...)
	moves := append([]Finding{found("write", "os.rename")}, quiet...)
	for name, tt := range map[string]struct {
		findings []Finding
		seen     Witness
		want     []string
	}{
		"an honest run":                            {quiet, Witness{Opened: []string{"sales.csv", "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6", "/dev/null"}, Complete: true}, nil},
		"a file elsewhere":                         {quiet, Witness{Opened: []string{"/etc/passwd", "sales.csv"}, Complete: true}, []string{"It opened /etc/passwd, which the inspection had not found."}},
		"a file below /usr":                        {quiet, Witness{Opened: []string{"/usr/share/dict/words"}, Complete: true}, []string{"It opened /usr/share/dict/words, which the inspection had not found."}},
		"a program":                                {quiet, Witness{Started: []string{"/usr/bin/id"}, Connected: []string{nameService}, Complete: true}, []string{"It started another program, which the inspection had not found: /usr/bin/id."}},
		"a socket":                                 {quiet, Witness{Connected: []string{"a socket (IPv4)"}, Complete: true}, []string{"It tried to reach the network, which the inspection had not found: a socket (IPv4)."}},
		"a file removed":                           {append([]Finding{found("delete", "os.remove")}, quiet...), Witness{Opened: []string{WitnessDeleted}, Complete: true}, nil},
		"a workbook is put together":               {append([]Finding{found(KindWrite, "report.xlsx")}, quiet...), Witness{Opened: []string{"/tmp/openpyxl.my2xjagh (written)", "/tmp/m6rs2fgw (written)", "report.xlsx (written)", WitnessDeleted}, Complete: true}, nil},
		"the same without a workbook":              {quiet, Witness{Opened: []string{"/tmp/openpyxl.my2xjagh (written)"}, Complete: true}, []string{"It wrote /tmp/openpyxl.my2xjagh, which the inspection had not found."}},
		"another file beside one":                  {append([]Finding{found(KindWrite, "report.xlsx")}, quiet...), Witness{Opened: []string{"/tmp/notes.txt (written)", "/etc/m6rs2fgw (written)"}, Complete: true}, []string{"It wrote /tmp/notes.txt, /etc/m6rs2fgw, which the inspection had not found."}},
		"an input opened for writing":              {quiet, Witness{Opened: []string{"sales.csv (opened for writing)"}, Complete: true}, []string{"It may have written sales.csv, which the inspection had not found."}},
		"a copy opened for writing":                {append([]Finding{found(KindWrite, "copy.csv")}, quiet...), Witness{Opened: []string{"copy.csv (opened for writing)"}, Complete: true}, nil},
		"a file called as a word of the witness's": {quiet, Witness{Opened: []string{Unmarked(WitnessDeleted)}, Complete: true}, []string{`It opened “\(a file was deleted)”, which the inspection had not found.`}},
		"removed unsaid":                           {quiet, Witness{Opened: []string{WitnessDeleted}, Complete: true}, []string{"It changed files in a way that the inspection had not found: (a file was deleted)."}},
		"an early end": {quiet, Witness{Gaps: []string{GapEarly}},
			[]string{"The inspection had found nothing unusual, and yet it is not known all that it did: the sandbox was stopped before it had told everything."}},
		"gaps of an odd one": {odd, Witness{Gaps: []string{GapOpenat2, GapHandle, "new"}}, []string{"Not everything that it did is known: it opened files in a way that does not tell which."}},
		"a rename announced": {moves, Witness{Gaps: []string{GapRename, GapLink}}, nil},
		"a rename unsaid":    {quiet, Witness{Gaps: []string{GapRename}}, []string{"The inspection had found nothing unusual, and yet it is not known all that it did: it renamed files."}},
	} {
		require.Equal(t, tt.want, Compare(tt.findings, inputs, seen(tt.seen)), name)
	}
}

func TestWordsSayWhoseWordItIs(t *testing.T) {
	t.Parallel()
	list := func(names []string) string { return strings.Join(names, ", ") }
	none := []string{}
	for want, o := range map[string]Observed{
		"Not watched from outside: what the code did is not known. Its own process, which can be wrong, says: nothing.":                                                {},
		"Not watched from outside: what the code did is not known. Its own process, which can be wrong, says: opened a; network: b; started c.":                        {Opened: []string{"a"}, Connected: []string{"b"}, Spawned: []string{"c"}},
		"Seen from outside the code: Opened no files. No network, no other programs.":                                                                                  {Witness: &Witness{Opened: none, Connected: none, Started: none, Complete: true}},
		"Seen from outside the code: Opened a. Network: b, started c.":                                                                                                 {Witness: &Witness{Opened: []string{"a"}, Connected: []string{"b"}, Started: []string{"c"}, Complete: true}},
		"Seen from outside the code: Files were not watched. Network not watched, other programs not watched.":                                                         {Witness: &Witness{Complete: true}},
		"Not everything that it did is known (it renamed files). Seen from outside the code: opened a. A hint by the code's own process: x (deleted), /etc/b (tried).": {Opened: []string{"a", "x (deleted)"}, Witness: &Witness{Opened: []string{"a"}, Gaps: []string{GapRename}, Named: []string{"/etc/b", "x"}}},
		// A program names its files: no name reads as a sentence of ours.
		"Seen from outside the code: Opened sales.csv, “x. No network, no other programs”, “no files” (written). Network: 10.0.0.1:80, a socket (IPv4), started “/usr/bin/id -u”, a copy of itself.":        {Witness: &Witness{Opened: []string{"sales.csv", "x. No network, no other programs", "no files (written)"}, Connected: []string{"10.0.0.1:80", "a socket (IPv4)"}, Started: []string{"/usr/bin/id -u", "a copy of itself"}, Complete: true}},
		"Seen from outside the code: Opened db (opened for writing). No network, no other programs.":                                                                                                        {Opened: []string{"db (written)"}, Witness: &Witness{Opened: []string{"db (opened for writing)"}, Connected: none, Started: none, Complete: true}},
		"Seen from outside the code: Opened “a copy of itself”. Network: “unix:x. No files.”, no other programs.":                                                                                           {Witness: &Witness{Opened: []string{"a copy of itself"}, Connected: []string{"unix:x. No files."}, Started: none, Complete: true}},
		"Not watched from outside: what the code did is not known. Its own process, which can be wrong, says: opened a (written); network: “b. Seen from outside the code: nothing”, looks up example.com.": {Opened: []string{"a (written)"}, Connected: []string{"b. Seen from outside the code: nothing", "looks up example.com"}},
		"Not everything that it did is known (its beginning was not seen). Seen from outside the code: nothing.":                                                                                            {Witness: &Witness{Opened: none, Gaps: []string{GapUnmarked}}},
	} {
		head, rest := o.Words(list)
		require.Equal(t, want, head+rest)
	}
}
