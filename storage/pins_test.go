package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
)

// What pins promise, and somebody with a console who tries to break it: tried with the others, by
// TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, pinBreaches...) }

var pinBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a deed about a pin is a known one", unguarded(`pins`) + pinned(`'hidden', 'F1', NULL, NULL, NULL, '{}'`), "pins_verb_check,pins_whole"},
	{"a pinned file has a size", pinned(`'pinned', 'F1', kept('a.csv'), kept('aa'), -1, '{}'`), "pins_size_check"},
	{"what is pinned is named by what it holds", pinned(`'pinned', 'F1', kept('a.csv'), NULL, 1, '{}'`), "pins_whole"},
	{"an upload comes in another's place", unguarded(`pins`) + pinned(`'accepted upload', 'F1', kept('a.csv'), kept('aa'), 1, '{}'`), "pins_instead"},
	{"a pin is for somebody", pinned(`'pinned', 'F1', kept('a.csv'), kept('aa'), 1, '{U1,NULL}'`), "pins_people"},
	{"only what is pinned is taken away", pinned(`'unpinned', 'F1', NULL, NULL, NULL, '{}'`), "pins_follow"},
	{"a pin stays on record", pinned(aPin) + `UPDATE pins SET people = '{}'`, "pins_unchangeable"},
	{"a pin is not deleted", pinned(aPin) + `DELETE FROM pins`, "pins_unchangeable"},
	{"pins are not emptied", `TRUNCATE pins`, "pins_untruncatable"},
	{"a pin has its event", pinned(aPin), "pins_told"},
	{"one event of a pin is one deed", unguarded(`pins`) + pinned(aPin) + pinned(aPin) + `UPDATE pins SET told = 1`, "pins_once"},
	{"nothing starts on a file that is not pinned any more", usesPin + startsOn, "runs_pinned"},
	{"nothing starts on a file that is pinned for others", unguarded(`pins`) + pinned(`'pinned', 'F1', kept('a.csv'), kept('aa'), 1, '{U9}'`) + usesPin + startsOn, "runs_pinned"},
	{"nothing starts on a file that holds something else", unguarded(`pins`) + pinned(`'pinned', 'F1', kept('a.csv'), kept('bb'), 1, '{}'`) + usesPin + startsOn, "runs_pinned"},
	{"a file that is pinned for whoever asks starts, as far as pins say", unguarded(`pins`) + pinned(`'pinned', 'F1', kept('a.csv'), kept('aa'), 1, '{ASKER}'`) + usesPin + startsOn, "runs_told"},
}

const (
	aPin     = `'pinned', 'F1', kept('a.csv'), kept('aa'), 1, '{U1}'`
	usesPin  = `UPDATE requests SET files = '[{"id":"F1","name":"a.csv","size":1,"sha256":"aa","pinned":"CHAN"}]' WHERE id = APPROVED` + ";\n"
	startsOn = `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES (APPROVED, 'b', 1, SEAL, now())`
)

func pinned(values string) string {
	return `INSERT INTO pins (team, project, verb, file, name, content, size, people, "by", at) VALUES ('TEAM', 'CHAN', ` + values + `, 'ADMIN', now())` + ";\n"
}

// aDeed is one about a file of CHAN that holds something.
func aDeed(kind approval.EventKind, id, sha256 string, people ...string) pins.Deed {
	return pins.Deed{Kind: kind, Pin: pins.Pin{Team: team, Project: channel, By: "ADMIN", People: people,
		File: approval.File{ID: id, Name: "sales.csv", Size: 7, SHA256: sha256, Shared: &approval.Sharing{By: "U7", At: time.Now().UTC().Truncate(time.Microsecond)}}}}
}

func TestAPinIsKeptWithItsEventAndTheLatestDeedHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := PinsOf(b.DB)
	stands := func(ids ...string) {
		t.Helper()
		list, err := s.Pins(t.Context(), team)
		require.NoError(t, err)
		require.Equal(t, ids, approval.FileIDs(pins.Files(list)))
		_, err = AuditorOf(b.DB).House(t.Context())
		require.NoError(t, err)
	}
	events := func() (n int) {
		t.Helper()
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM events WHERE stream = 'pins:TEAM'`).Scan(&n))
		return n
	}
	deed := aDeed(approval.EventPinned, "F1", "aa", "U1", "U2")
	for range 2 { // a double press, or two replicas
		require.NoError(t, s.Set(t.Context(), deed))
	}
	stands("F1")
	require.Equal(t, 1, events(), "what is so already is no deed")
	list, err := s.Pins(t.Context(), team)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), list[0].At, time.Hour)
	list[0].At = time.Time{}
	require.Equal(t, deed.Pin, list[0])

	deed.People = nil
	require.NoError(t, s.Set(t.Context(), deed), "for other people it is another deed")
	require.NoError(t, s.Set(t.Context(), aDeed(approval.EventPinned, "F5", "ff")))
	stands("F1", "F5")

	declined := aDeed(approval.EventDeclinedUpload, "F2", "")
	declined.InsteadOf = "F1"
	for range 2 {
		require.NoError(t, s.Set(t.Context(), declined))
	}
	ids, err := s.Declined(t.Context(), team, channel)
	require.NoError(t, err)
	require.Equal(t, []string{"F2"}, ids)
	stands("F1", "F5")
	require.Equal(t, 4, events())

	accepted := aDeed(approval.EventAcceptedUpload, "F3", "bb")
	accepted.InsteadOf = "F1"
	for range 2 {
		require.NoError(t, s.Set(t.Context(), accepted))
	}
	stands("F5", "F3")
	require.Equal(t, 5, events())
	late := aDeed(approval.EventAcceptedUpload, "F4", "cc")
	late.InsteadOf = "F1"
	var gone *approval.InputError
	require.ErrorAs(t, s.Set(t.Context(), late), &gone)
	require.Equal(t, approval.WhyPinGone, gone.Why.Code)

	for range 2 {
		require.NoError(t, s.Set(t.Context(), aDeed(approval.EventUnpinned, "F3", "")))
	}
	stands("F5")
	require.NoError(t, s.Set(t.Context(), aDeed(approval.EventPinned, "F1", "aa")), "what was replaced can be pinned again")
	stands("F5", "F1")
	require.Equal(t, 7, events())

	require.NoError(t, s.Set(t.Context(), aDeed(approval.EventPinned, "F2", "dd")))
	stale := aDeed(approval.EventDeclinedUpload, "F2", "")
	stale.InsteadOf = "F5"
	require.NoError(t, s.Set(t.Context(), stale))
	stands("F5", "F1", "F2")
}

// Two administrators at once: one accepts an upload in the place of a pin that is for everybody, and the other has it be for one person first.
func TestAnUploadIsAcceptedForThoseWhomItsPinIsForThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := PinsOf(b.DB)
	require.NoError(t, s.Set(t.Context(), aDeed(approval.EventPinned, "F1", "aa")))
	accepted := aDeed(approval.EventAcceptedUpload, "F2", "bb") // for everybody, as it stood a moment ago
	accepted.InsteadOf = "F1"
	require.NoError(t, s.Set(t.Context(), aDeed(approval.EventPinned, "F1", "aa", "U1")))
	require.NoError(t, s.Set(t.Context(), accepted))
	list, err := s.Pins(t.Context(), team)
	require.NoError(t, err)
	require.Equal(t, []string{"F2"}, approval.FileIDs(pins.Files(list)))
	require.Equal(t, []string{"U1"}, list[0].People)
}

func TestAChannelHasSoManyPinsAndNoMore(t *testing.T) {
	t.Parallel()
	var all []pins.Pin
	for range pins.Most {
		d := aDeed(approval.EventPinned, approval.NewID(6), "aa")
		all = append(all, d.Pin)
	}
	_, err := aDeed(approval.EventPinned, "F1", "aa").After(all)
	var in *approval.InputError
	require.ErrorAs(t, err, &in)
	require.Equal(t, approval.WhyManyPins, in.Why.Code)
	all[0].Project = "OTHER"
	_, err = aDeed(approval.EventPinned, "F1", "aa").After(all)
	require.NoError(t, err)
}
