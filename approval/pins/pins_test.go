package pins

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
)

// desk is a workspace with two channels: C1 with U1 and U2, C2 with U1 alone.
type desk struct {
	pins     []Pin
	declined []string
	done     []Deed
	content  string
	uploads  []Upload
	withheld string // the id of a file that Slack shows and does not give
}

func (d *desk) Pins(context.Context, string) ([]Pin, error) { return d.pins, nil }

func (d *desk) PinnedBefore(context.Context, time.Time) (map[string][]Pin, error) {
	return map[string][]Pin{"T": d.pins}, nil
}

func (d *desk) Declined(context.Context, string, string) ([]string, error) { return d.declined, nil }

func (d *desk) Set(_ context.Context, deed Deed) error {
	d.done = append(d.done, deed)
	return nil
}

func (d *desk) Fetch(_ context.Context, f approval.File, _ int64) (io.ReadCloser, error) {
	if f.ID == d.withheld {
		return nil, &approval.CauseError{Cause: approval.Cause{Code: approval.FileWithheld, File: f.Name}}
	}
	return io.NopCloser(strings.NewReader(d.content)), nil
}

func (d *desk) Upload(_ context.Context, id string) (Upload, error) {
	at := slices.IndexFunc(d.uploads, func(up Upload) bool { return up.ID == id })
	if at < 0 {
		return Upload{}, &approval.CauseError{Cause: approval.Cause{Code: approval.FileGone}}
	}
	return d.uploads[at], nil
}

func (d *desk) Uploads(context.Context, string) ([]Upload, error) { return d.uploads, nil }

func (d *desk) Within(ctx context.Context, channel, user string) (bool, error) {
	all, err := d.Readers(ctx, channel)
	return slices.Contains(all, user), err
}

func (d *desk) Readers(_ context.Context, channel string) ([]string, error) {
	return map[string][]string{"C1": {"U1", "U2"}, "C2": {"U1"}}[channel], nil
}

func (d *desk) keeper() *Keeper {
	admin := func(_ context.Context, click approval.Click, what string) error {
		if click.User != "ADMIN" && click.User != "U1" {
			return &approval.NotAllowedError{Who: click.User, Why: approval.Reason{Code: approval.WhyAdminsOnly, Name: what}}
		}
		return nil
	}
	tables := func(_ context.Context, _, _, sha256 string) (*reading.Reading, error) {
		columns := map[string][]reading.Column{"old": {{Name: "a"}, {Name: "b"}}, approval.Hash([]byte("new")): {{Name: "b"}, {Name: "c"}}}[sha256]
		if columns == nil {
			return nil, nil
		}
		return &reading.Reading{Tables: []reading.Table{{Rows: int64(len(sha256)), Columns: columns}}}, nil
	}
	return &Keeper{Ports{Store: d, Slack: d, Most: 100, Admin: admin, Peek: admin, Tables: tables}}
}

func pinOf(project, id, sha256 string, people ...string) Pin {
	return Pin{Team: "T", Project: project, People: people, File: approval.File{ID: id, Name: "sales.csv", SHA256: sha256, Shared: &approval.Sharing{By: "U7", At: time.Unix(100, 0)}}}
}

func TestOneFunctionSaysWhoMayUseAPinWhere(t *testing.T) {
	t.Parallel()
	all := []Pin{pinOf("C1", "F1", "aa"), pinOf("C1", "F2", "bb", "U1"), pinOf("C2", "F3", "cc", "U1", "U2"), pinOf("C1", "F4", "dd", "U1", "U2")}
	for name, c := range map[string]struct {
		place, user, file, pinned, sha256 string
		why                               approval.ReasonCode
		private                           bool
	}{
		"everybody in the channel":                  {place: "C1", user: "U2", file: "F1", pinned: "C1", sha256: "aa"},
		"before it was read":                        {place: "C1", user: "U2", file: "F1", pinned: "C1"},
		"another content":                           {place: "C1", user: "U2", file: "F1", pinned: "C1", sha256: "bb", why: approval.WhyPinDiffers},
		"a pin that was taken away":                 {place: "C1", user: "U2", file: "F9", pinned: "C1", why: approval.WhyUnpinned},
		"a file that is not pinned":                 {place: "C1", user: "U2", file: "F9"},
		"for another":                               {place: "C1", user: "U2", file: "F2", pinned: "C1", why: approval.WhyPinnedForOthers},
		"for another, pinned since it was asked":    {place: "C1", user: "U2", file: "F2", why: approval.WhyPinnedForOthers},
		"named, and others read along":              {place: "C1", user: "U1", file: "F2", pinned: "C1", private: true},
		"named, and so is everybody":                {place: "C1", user: "U1", file: "F4", pinned: "C1"},
		"named, in a direct message":                {place: "D1", user: "U1", file: "F2", pinned: "C1"},
		"not named, in a direct message":            {place: "D2", user: "U2", file: "F2", pinned: "C1", why: approval.WhyPinnedForOthers},
		"of the channel, in a direct message":       {place: "D2", user: "U2", file: "F1", pinned: "C1"},
		"not of the channel, in a direct message":   {place: "D9", user: "U9", file: "F1", pinned: "C1", why: approval.WhyPinnedForOthers},
		"shared to a channel with others":           {place: "C1", user: "U1", file: "F3", pinned: "C2"},
		"shared to where somebody may not read it":  {place: "C1", user: "U1", file: "F2", pinned: "C1", private: true},
		"shared to fewer people than the channel's": {place: "C2", user: "U1", file: "F1", pinned: "C1"},
	} {
		d := &desk{pins: all}
		u := Use{Team: "T", Place: c.place, User: c.user, Files: []approval.File{{ID: c.file, Name: "sales.csv", Pinned: c.pinned, SHA256: c.sha256}}}
		private, err := d.keeper().Check(t.Context(), u)
		var in *approval.InputError
		if c.why != "" {
			require.ErrorAs(t, err, &in, name)
			require.Equal(t, c.why, in.Why.Code, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, c.private, private, name)
		err = d.keeper().InPlace(t.Context(), u)
		require.Equal(t, c.private, errors.As(err, &in), name)
	}
	require.ErrorAs(t, (&Keeper{}).InPlace(t.Context(), Use{Place: "C1", Files: []approval.File{{ID: "F1", Pinned: "C1"}}}), new(*approval.InputError), "without a store nothing is pinned")
}

func TestWhatSomebodyMayUseInADirectMessage(t *testing.T) {
	t.Parallel()
	d := &desk{pins: []Pin{pinOf("C1", "F1", "aa"), pinOf("C1", "F2", "bb", "U1"), pinOf("C2", "F3", "cc")}}
	for user, may := range map[string][]string{"U1": {"F1", "F2", "F3"}, "U2": {"F1"}, "U9": {}} {
		list, err := d.keeper().Pinned(t.Context(), "T", "D1", user)
		require.NoError(t, err)
		require.Equal(t, may, approval.FileIDs(Files(list)), user)
	}
	list, err := d.keeper().Pinned(t.Context(), "T", "C1", "U9")
	require.NoError(t, err)
	require.Len(t, list, 2, "the list of a channel says for whom")
	files := []approval.File{{ID: "F1"}, {ID: "F3"}, {ID: "F8"}}
	require.Equal(t, []string{"C1", "", ""}, pinnedIn(Mark(files, "C1", d.pins)))
	require.Equal(t, []string{"C1", "C2", ""}, pinnedIn(Mark(files, "D1", d.pins)))

	// Pinned to one channel, edited, and pinned to another one: there it is what it holds now, whichever the store lists first.
	before, after := pinOf("C1", "F1", "aa"), pinOf("C2", "F1", "bb")
	after.At = before.At.Add(time.Hour)
	for _, both := range [][]Pin{{before, after}, {after, before}} {
		marked := Mark([]approval.File{{ID: "F1", SHA256: "bb"}}, "D1", both)
		require.Equal(t, []string{"C2"}, pinnedIn(marked))
		require.True(t, Bars(marked, "D1", "U1", both).None())
		require.Equal(t, []string{"C1"}, pinnedIn(Mark(files[:1], "C1", both)), "in a channel its own pin counts")
	}
}

func pinnedIn(files []approval.File) (list []string) {
	for _, f := range files {
		list = append(list, f.Pinned)
	}
	return list
}

func TestAnAdministratorPinsWhatTheySeeThemselves(t *testing.T) {
	t.Parallel()
	file := func(id, by string, places ...string) Upload {
		return Upload{File: approval.File{ID: id, Name: "sales.csv", Size: 3, Shared: &approval.Sharing{By: by, At: time.Unix(200, 0)}}, Places: places}
	}
	d := &desk{content: "new", uploads: []Upload{file("F1", "U7", "C1"), file("F2", "ADMIN", "C9"), file("F3", "U7", "C9"), file("F4", "U7", "C9", "C2")}}
	k, click := d.keeper(), func(user string) approval.Click { return approval.Click{Team: "T", User: user} }
	require.ErrorAs(t, k.Pin(t.Context(), click("U2"), "C1", "F1", nil), new(*approval.NotAllowedError))
	require.ErrorAs(t, k.Unpin(t.Context(), click("U2"), "C1", "F1"), new(*approval.NotAllowedError))
	require.ErrorAs(t, k.KeepPin(t.Context(), click("U2"), "C1", "F1", "F2"), new(*approval.NotAllowedError))
	require.ErrorAs(t, k.Accept(t.Context(), click("U2"), "C1", "F1", "F2", ""), new(*approval.NotAllowedError))
	_, err := k.Newer(t.Context(), click("U2"), "C1")
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	require.NoError(t, k.Pin(t.Context(), click("U1"), "C1", "F1", []string{"U2", "U1", "U2"}))
	require.Equal(t, Pin{Team: "T", Project: "C1", People: []string{"U1", "U2"}, By: "U1", File: approval.File{ID: "F1", Name: "sales.csv", Size: 3, SHA256: approval.Hash([]byte("new")), Shared: d.uploads[0].Shared}}, d.done[0].Pin)
	require.NoError(t, k.Pin(t.Context(), click("ADMIN"), "C1", "F2", nil), "their own file")
	require.NoError(t, k.Pin(t.Context(), click("U1"), "C1", "F4", nil), "of a channel of theirs")
	for what, c := range map[string]struct {
		project, id string
		why         approval.ReasonCode
	}{
		"a file of a channel that they are not in": {"C1", "F3", approval.WhyPinUnseen},
		"a file that is gone":                      {"C1", "F9", approval.WhyPinUnseen},
		"a direct message":                         {"D1", "F1", approval.WhyPinToChannel},
	} {
		var in *approval.InputError
		require.ErrorAs(t, k.Pin(t.Context(), click("U1"), c.project, c.id, nil), &in, what)
		require.Equal(t, c.why, in.Why.Code, what)
	}
	d.uploads[0].Size = 101
	var in *approval.InputError
	require.ErrorAs(t, k.Pin(t.Context(), click("U1"), "C1", "F1", nil), &in)
	require.Equal(t, approval.WhyFileBigger, in.Why.Code)
	require.Len(t, d.done, 3)
}

func TestANewerUploadOfAPinnedNameIsOfferedWithWhatIsDifferent(t *testing.T) {
	t.Parallel()
	up := func(id, name string, at int64) Upload {
		return Upload{File: approval.File{ID: id, Name: name, Size: 3, Shared: &approval.Sharing{By: "U7", At: time.Unix(at, 0)}}, Places: []string{"C1"}}
	}
	d := &desk{content: "new", pins: []Pin{pinOf("C1", "F1", "old", "U2")}}
	k, click := d.keeper(), approval.Click{Team: "T", User: "U1"}
	for what, c := range map[string]struct {
		up     Upload
		offers int
	}{
		"a newer one": {up("F2", "Sales.csv", 101), 1}, "an older one": {up("F2", "sales.csv", 99), 0},
		"another name": {up("F2", "other.csv", 101), 0}, "the pinned one": {up("F1", "sales.csv", 101), 0},
	} {
		d.uploads = []Upload{c.up}
		offers, err := k.Newer(t.Context(), click, "C1")
		require.NoError(t, err)
		require.Len(t, offers, c.offers, what)
	}
	d.uploads = []Upload{up("F2", "sales.csv", 101)}
	offers, err := k.Newer(t.Context(), click, "C1")
	require.NoError(t, err)
	require.False(t, offers[0].Same)
	require.Equal(t, &Change{Added: []string{"c"}, Gone: []string{"a"}, Rows: 64, Had: 3}, offers[0].Change)
	d.content = "never read"
	offers, err = k.Newer(t.Context(), click, "C1")
	require.NoError(t, err)
	require.Nil(t, offers[0].Change)
	var changed *approval.InputError
	d.content += ", and more"
	require.ErrorAs(t, k.Accept(t.Context(), click, "C1", "F1", "F2", offers[0].Upload.SHA256), &changed)
	require.Equal(t, approval.WhyUploadDiffers, changed.Why.Code, "nobody has looked at what it is now")
	require.Empty(t, d.done)
	d.content = "never read"
	require.NoError(t, k.Accept(t.Context(), click, "C1", "F1", "F2", offers[0].Upload.SHA256))
	require.Equal(t, "F1", d.done[0].InsteadOf)
	require.Equal(t, []string{"U2"}, d.done[0].People, "for the same people")
	var in *approval.InputError
	require.ErrorAs(t, k.Accept(t.Context(), click, "C1", "F9", "F2", ""), &in)
	require.Equal(t, approval.WhyPinGone, in.Why.Code)
	d.declined = []string{"F2"}
	offers, err = k.Newer(t.Context(), click, "C1")
	require.NoError(t, err)
	require.Empty(t, offers, "what was declined is not offered again")
}

// Anybody in a channel can upload a file of a pinned name that nobody can read, or that is too large to be pinned.
func TestAnUploadThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	up := func(id, name string, size int64) Upload {
		return Upload{File: approval.File{ID: id, Name: name, Size: size, Shared: &approval.Sharing{By: "U7", At: time.Unix(200, 0)}}, Places: []string{"C1"}}
	}
	large := pinOf("C1", "F0", "older")
	large.File.Name = "large.csv"
	second := pinOf("C1", "F3", "old")
	second.File.Name = "costs.csv"
	d := &desk{content: "new", withheld: "F2", pins: []Pin{large, pinOf("C1", "F1", "old"), second},
		uploads: []Upload{up("F9", "large.csv", 101), up("F2", "sales.csv", 3), up("F4", "costs.csv", 3)}}
	offers, err := d.keeper().Newer(t.Context(), approval.Click{Team: "T", User: "U1"}, "C1")
	require.ErrorAs(t, err, new(*approval.CauseError), "the operator hears of it")
	require.Len(t, offers, 1)
	require.Equal(t, "F4", offers[0].Upload.ID)
}
