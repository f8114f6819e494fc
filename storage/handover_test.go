package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/internal/proof"
	"countersign/storage/trail"
)

// Hand-overs, and somebody with a console who writes them: tried with the others, by
// TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, handBreaches...) }

var handBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a thread is handed over by an event", hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`), "handovers_told"},
	{"a thread is handed over by who asks in it", hand(`'h'`, `'THIRD'`, `'OTHER'`, `'{}'`, `'{}'`), "handovers_giver"},
	{"nobody hands a thread to themselves", hand(`'h'`, `'ASKER'`, `'ASKER'`, `'{}'`, `'{}'`), "handovers_to_another"},
	{"a file that goes along is of the thread", hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{F9}'`, `'{}'`), "handovers_gives"},
	{"an answer that goes along was private", hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `ARRAY[DONE]`), "handovers_gives"},
	{"an offer is one", hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`) + hand(`'h'`, `'ASKER'`, `'FOURTH'`, `'{}'`, `'{}'`), "handovers_pkey"},
	{"an offer is open once", hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`) + hand(`'i'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`), "handovers_one_open"},
	{"an offer ends in a known way", offered + `UPDATE handovers SET verdict = 'perhaps', ended_by = 'OTHER', ended_at = now()`, "handovers_verdict"},
	{"an offer ends as a whole", offered + `UPDATE handovers SET verdict = 'declined'`, "handovers_whole"},
	{"what is declined leads nowhere", offered + `UPDATE handovers SET verdict = 'declined', ended_by = 'OTHER', ended_at = now(), into_session = session_id`, "handovers_whole"},
	{"nobody else declines", offered + `UPDATE handovers SET verdict = 'declined', ended_by = 'THIRD', ended_at = now()`, "handovers_whose"},
	{"nobody else accepts", offered + `UPDATE handovers SET verdict = 'accepted', ended_by = 'ASKER', ended_at = now(), into_session = session_id`, "handovers_whose"},
	{"nobody else withdraws", offered + `UPDATE handovers SET verdict = 'withdrawn', ended_by = 'OTHER', ended_at = now()`, "handovers_whose"},
	{"nothing is accepted late", offered + `UPDATE handovers SET verdict = 'accepted', ended_by = 'OTHER', ended_at = until, into_session = session_id`, "handovers_in_time"},
	{"nothing expires early", offered + `UPDATE handovers SET verdict = 'expired', ended_by = 'countersign', ended_at = now()`, "handovers_in_time"},
	{"a thread of a channel goes on there", offered + `INSERT INTO sessions VALUES ('s', 'TEAM', 'D1', '1.1', now(), 'OTHER'); UPDATE handovers SET verdict = 'accepted', ended_by = 'OTHER', ended_at = now(), into_session = 's'`, "handovers_lead"},
	{"an offer is accepted once", offered + accepted + `UPDATE handovers SET ended_at = now() + interval '1 second'`, "handovers_once"},
	{"what was offered stays", offered + `UPDATE handovers SET colleague = 'THIRD'`, "handovers_once"},
	{"what goes along stays", offered + `UPDATE handovers SET files = '{F1}'`, "handovers_once"},
	{"a hand-over is accepted by an event", unguarded(`handovers`) + offered + `ALTER TABLE handovers ENABLE TRIGGER handovers_told;` + accepted, "handovers_told"},
	{"what begins for a colleague comes from one thread", unguarded(`handovers`) + hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`) + hand(`'i'`, `'ASKER'`, `'THIRD'`, `'{}'`, `'{}'`) +
		`INSERT INTO sessions VALUES ('s', 'TEAM', 'D1', '1.1', now(), 'OTHER'); UPDATE handovers SET verdict = 'accepted', ended_by = colleague, ended_at = now(), into_session = 's'`, "handovers_one_begins"},
	{"an offer is kept", offered + `DELETE FROM handovers`, "handovers_undeletable"},
	{"offers are not emptied", `TRUNCATE handovers`, "handovers_untruncatable"},
}

// hand offers the thread of DONE.
func hand(id, giver, colleague, files, answers string) string {
	return `INSERT INTO handovers (id, request_id, session_id, team, project, giver, colleague, files, answers, at, until)
		SELECT ` + id + `, id, session_id, team, project, ` + giver + `, ` + colleague + `, ` + files + `, ` + answers + `, now(), now() + interval '1 day' FROM requests WHERE id = DONE` + ";\n"
}

var (
	offered  = hand(`'h'`, `'ASKER'`, `'OTHER'`, `'{}'`, `'{}'`)
	accepted = `UPDATE handovers SET verdict = 'accepted', ended_by = 'OTHER', ended_at = now(), into_session = session_id` + ";\n"
)

// alone is a question whose answer is its asker's alone, in a thread of their direct message.
func (b *bundle) alone(t *testing.T, trigger, session, thread string) *approval.Request {
	t.Helper()
	q := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "Which region sells most?", Private: true,
		Files: []approval.File{{ID: "F1", Name: "sales.csv", Size: 12}}, Trigger: trigger}, "small", 10*budget.Cent, b.policy, odd())
	if session != "" {
		q.SessionID = session
	}
	r, _, err := b.Ask(t.Context(), q, approval.Session{Team: team, Channel: "D1", ThreadTS: thread})
	require.NoError(t, err)
	return b.finished(t, b.update(t, r.ID, found))
}

// finished brings a request to its end.
func (b *bundle) finished(t *testing.T, r *approval.Request) *approval.Request {
	t.Helper()
	for _, step := range []func(r *approval.Request, now time.Time) error{
		b.drafted,
		func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
		},
		func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) },
		func(r *approval.Request, now time.Time) error {
			return r.Finish(result(), budget.Charge{Kind: budget.Box, What: "local", BoxMS: 1500, Amount: 3 * budget.MicroDollar}, approval.DefaultPolicy(), now)
		},
	} {
		r = b.update(t, r.ID, step)
	}
	return r
}

// offers hands the thread of a request over, as its asker does.
func (b *bundle) offers(t *testing.T, id, to string, files, answers []string) approval.HandOver {
	t.Helper()
	now := odd()
	h := approval.HandOver{ID: approval.NewID(8), To: to, Files: files, Answers: answers, At: now, Until: now.Add(approval.HandOverLife)}
	b.deedAt(t, id, asker, now, approval.EventOfferedHandOver, map[string]any{"handover": h.ID, "to": to, "files": append([]string{}, files...), "answers": append([]string{}, answers...), "until": h.Until.Format(time.RFC3339Nano)},
		func(r *approval.Request) { r.Changes.HandOver = &h })
	return h
}

// accepts is what the colleague says to it.
func (b *bundle) accepts(t *testing.T, id string, h approval.HandOver, into approval.Session) {
	t.Helper()
	now := odd()
	h.Verdict, h.By, h.Ended, h.Into = approval.HandAccepted, h.To, now, into
	b.deedAt(t, id, h.To, now, approval.EventAcceptedHandOver, map[string]any{"handover": h.ID, "into": into.ID}, func(r *approval.Request) { r.Changes.HandOver = &h })
}

// acceptsFrom has a thread of somebody else's go on to a third, without files and answers.
func (b *bundle) acceptsFrom(t *testing.T, id, giver, to string, into approval.Session) {
	t.Helper()
	now := odd()
	h := approval.HandOver{ID: approval.NewID(8), To: to, At: now, Until: now.Add(approval.HandOverLife)}
	b.deedAt(t, id, giver, now, approval.EventOfferedHandOver, map[string]any{"handover": h.ID, "to": to, "files": []string{}, "answers": []string{}, "until": h.Until.Format(time.RFC3339Nano)},
		func(r *approval.Request) { r.Changes.HandOver = &h })
	b.accepts(t, id, h, into)
}

func (b *bundle) deedAt(t *testing.T, id, who string, now time.Time, kind approval.EventKind, data map[string]any, note func(r *approval.Request)) {
	t.Helper()
	b.update(t, id, func(r *approval.Request, _ time.Time) error {
		note(r)
		if kind == approval.EventOfferedHandOver {
			data["session"] = r.SessionID
		}
		r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: who, Kind: kind, Data: data})
		return nil
	})
}

// goesOn is a question of the colleague's in the thread that began for them.
func (b *bundle) goesOn(t *testing.T, who, trigger string, thread approval.Session) *approval.Request {
	t.Helper()
	q := approval.New(approval.Question{Team: team, Project: channel, Asker: who, Text: "And by month?", Trigger: trigger, Private: true}, "small", 1, b.policy, odd())
	q.SessionID = thread.ID
	r, _, err := b.Ask(t.Context(), q, thread)
	require.NoError(t, err)
	return b.update(t, r.ID, found)
}

// roles are what a history tells of a request.
func (b *bundle) roles(t *testing.T, id, of string) (list []approval.Role) {
	t.Helper()
	past, err := b.History(t.Context(), id)
	require.NoError(t, err)
	for _, m := range past.Said {
		if m.RequestID == of {
			list = append(list, m.Role)
		}
	}
	return list
}

func TestAThreadThatWasHandedOverTellsWhatItsGiverHasTicked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.alone(t, "one", "", "1.1")
	second := b.alone(t, "two", first.SessionID, "1.1")
	h := b.offers(t, second.ID, "OTHER", nil, []string{second.ID})
	into := approval.Session{ID: "into", Team: team, Channel: "D2", ThreadTS: "2.2"}
	files, ours, err := b.ThreadFiles(t.Context(), into)
	require.NoError(t, err)
	require.False(t, ours, "nothing goes before it is accepted")
	require.Empty(t, files)
	b.accepts(t, second.ID, h, into)
	later := b.alone(t, "three", first.SessionID, "1.1")

	next := b.goesOn(t, "OTHER", "four", into)
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode}, b.roles(t, next.ID, first.ID), "its answer was not ticked")
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode, approval.RoleResult}, b.roles(t, next.ID, second.ID))
	require.Empty(t, b.roles(t, next.ID, later.ID), "it goes over as it was then")
	v, err := b.View(t.Context(), next.ID)
	require.NoError(t, err)
	require.Equal(t, []string{first.Question, second.Question}, v.Earlier, "and its card tells of as much")
	files, _, err = b.ThreadFiles(t.Context(), into)
	require.NoError(t, err)
	require.Empty(t, files, "no file was ticked")
	counter, err := b.Counter(t.Context(), approval.Question{Team: team, Project: "D2", Asker: "OTHER", ThreadTS: "2.2"})
	require.NoError(t, err)
	require.Equal(t, channel, counter.PrivateIn, "by the rules of the same channel")

	require.Empty(t, b.roles(t, b.alone(t, "five", first.SessionID, "1.1").ID, next.ID), "nor does anything come back")

	// Handed on, the questions and the code go with it; the answer that was given to the second stays with them.
	b.finished(t, next)
	on := approval.Session{ID: "on", Team: team, Channel: "D3", ThreadTS: "3.3"}
	b.acceptsFrom(t, next.ID, "OTHER", "THIRD", on)
	last := b.goesOn(t, "THIRD", "six", on)
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode}, b.roles(t, last.ID, second.ID))
	require.Equal(t, []approval.Role{approval.RoleQuestion, approval.RoleCode}, b.roles(t, last.ID, next.ID))
	b.takesBack(t, second.ID)
	require.Empty(t, b.roles(t, next.ID, second.ID), "nothing rests on what was taken back")
	for _, r := range []*approval.Request{first, second, next} {
		_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
		require.NoError(t, err)
	}
}

func TestAFileGoesAlongWhereItsGiverHasTickedIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.alone(t, "one", "", "1.1")
	h := b.offers(t, first.ID, "OTHER", []string{"F1"}, nil)
	into := approval.Session{ID: "into", Team: team, Channel: "D2", ThreadTS: "2.2"}
	b.accepts(t, first.ID, h, into)
	files, ours, err := b.ThreadFiles(t.Context(), into)
	require.NoError(t, err)
	require.True(t, ours)
	require.Len(t, files, 1)
	require.Equal(t, []approval.Handed{{To: "OTHER", By: asker}}, files[0].Handed)

	// In a thread of a channel it is there, and is the colleague's to use from then on.
	open := b.done(t, "open")
	require.NoError(t, b.Threaded(t.Context(), open.SessionID, "3.3"))
	there := approval.Session{ID: open.SessionID, Team: team, Channel: channel, ThreadTS: "3.3"}
	b.accepts(t, open.ID, b.offers(t, open.ID, "OTHER", []string{"F1"}, nil), there)
	files, _, err = b.ThreadFiles(t.Context(), there)
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Equal(t, []approval.Handed{{To: "OTHER", By: asker}}, files[0].Handed)
	again, err := b.Request(t.Context(), open.ID)
	require.NoError(t, err)
	require.Equal(t, approval.HandAccepted, again.HandOvers[0].Verdict)
	require.Equal(t, there.ThreadTS, again.HandOvers[0].Into.ThreadTS)
}

// Between the offer and its end the giver asks about another file of the same name: what was ticked still goes along.
func TestATickedFileGoesAlongBesideALaterOneOfItsName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.alone(t, "one", "", "1.1")
	h := b.offers(t, first.ID, "OTHER", []string{"F1"}, nil)
	q := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "And in this one?", Private: true,
		Files: []approval.File{{ID: "F2", Name: "sales.csv", Size: 12}}, Trigger: "two"}, "small", 10*budget.Cent, b.policy, odd())
	q.SessionID = first.SessionID
	_, _, err := b.Ask(t.Context(), q, approval.Session{Team: team, Channel: "D1", ThreadTS: "1.1"})
	require.NoError(t, err)
	b.finished(t, b.update(t, q.ID, found))
	r, stock, err := HandOvers{b.DB}.Stock(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, first.ID, r.ID)
	require.Equal(t, []string{"F2"}, approval.FileIDs(stock.Files))
	require.Equal(t, []string{"F1"}, approval.FileIDs(stock.Former))
	into := approval.Session{ID: "into", Team: team, Channel: "D2", ThreadTS: "2.2"}
	b.accepts(t, first.ID, h, into)
	files, _, err := b.ThreadFiles(t.Context(), into)
	require.NoError(t, err)
	require.Equal(t, []string{"F1"}, approval.FileIDs(files))
}

// Whoever writes into the database has another thread of the giver's go over in the place of the one that was offered.
func TestAHandOverOfAnotherThreadIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, other := b.alone(t, "one", "", "1.1"), b.alone(t, "two", "", "4.4")
	into := approval.Session{ID: "into", Team: team, Channel: "D2", ThreadTS: "2.2"}
	b.accepts(t, first.ID, b.offers(t, first.ID, "OTHER", []string{"F1"}, nil), into)
	_, err := b.pool.Exec(t.Context(), `SET session_replication_role = replica; UPDATE handovers SET session_id = '`+other.SessionID+`'`)
	require.NoError(t, err)
	next := b.goesOn(t, "OTHER", "three", into)
	require.Empty(t, b.roles(t, next.ID, other.ID))
	v, err := b.View(t.Context(), next.ID)
	require.NoError(t, err)
	require.Empty(t, v.Earlier)
	files, _, err := b.ThreadFiles(t.Context(), into)
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestAnOfferThatNobodyAnswersExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	h := approval.HandOver{ID: "late", To: "OTHER", At: odd().Add(-time.Hour), Until: odd().Add(-time.Minute)}
	b.deedAt(t, r.ID, asker, h.At, approval.EventOfferedHandOver, map[string]any{"handover": h.ID, "to": h.To, "files": []string{}, "answers": []string{}, "until": h.Until.Format(time.RFC3339Nano)},
		func(r *approval.Request) { r.Changes.HandOver = &h })
	wakes, err := b.Stuck(t.Context())
	require.NoError(t, err)
	due := false
	for _, w := range wakes {
		due = due || w.RequestID == r.ID && w.Step == approval.StepShow
	}
	require.True(t, due)
	for range 2 { // two replicas sweep
		r = b.update(t, r.ID, approval.ExpireIfDue)
	}
	require.Equal(t, approval.HandExpired, r.HandOvers[0].Verdict)
	require.Equal(t, approval.Done, r.State)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'expired hand-over'`))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}

// An owner of the database who hands a thread to himself hands nothing over, and is named.
func TestProveReviewAHandOverThatIsForgedHandsNothingOver(t *testing.T) {
	t.Parallel()
	for name, signed := range signatures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first := b.alone(t, "one", "", "1.1")
			require.NoError(t, b.attack(t, signed(func(key, signature string) string {
				stream := "'request:" + first.ID + "'"
				return forged(key, signature, stream, "ASKER", "offered hand-over", `'{"answers":["`+first.ID+`"],"files":["F1"],"handover":"h","session":"`+first.SessionID+`","to":"EVIL","until":"2030-02-02T00:00:00Z"}'`) +
					`INSERT INTO handovers VALUES ('h', '` + first.ID + `', '` + first.SessionID + `', 'TEAM', 'CHAN', 'ASKER', 'EVIL', '{F1}', '{` + first.ID + `}', ` + forgedAt + `, '2030-02-02 00:00:00+00');` +
					forged(key, signature, stream, "EVIL", "accepted hand-over", `'{"handover":"h","into":"s"}'`) +
					`INSERT INTO sessions VALUES ('s', 'TEAM', 'D6', '6.6', now(), 'EVIL'); UPDATE handovers SET verdict = 'accepted', ended_by = 'EVIL', ended_at = ` + forgedAt + `, into_session = 's'`
			})), "the schema knows no keys")
			next := b.goesOn(t, "EVIL", "two", approval.Session{ID: "s", Team: team, Channel: "D6", ThreadTS: "6.6"})
			v, err := b.View(t.Context(), next.ID)
			require.NoError(t, err)
			require.Empty(t, v.Earlier, "nor does a card tell of it")
			files, _, err := b.ThreadFiles(t.Context(), approval.Session{Team: team, Channel: "D6", ThreadTS: "6.6"})
			require.NoError(t, err)
			gave := len(b.roles(t, next.ID, first.ID))
			for _, f := range files {
				gave += len(f.Handed)
			}
			proof.Check(t, gave == 0, "a hand-over that is forged with its events, and "+name+": no prompt and no file", "%d", gave)
			_, err = AuditorOf(b.DB).Request(t.Context(), first.ID)
			proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit names it", "%v", err)
		})
	}
}

// Where the schema was switched off, an audit names what differs.
func TestAnAuditNamesAHandOverThatDiffers(t *testing.T) {
	t.Parallel()
	for sql, says := range map[string]string{
		`UPDATE handovers SET files = '{}'`:                                                          "no event says so",
		`UPDATE handovers SET answers = '{x}'`:                                                       "no event says so",
		`UPDATE handovers SET colleague = 'EVIL', ended_by = 'EVIL'`:                                 "no event says so",
		`UPDATE handovers SET session_id = 'another'`:                                                "no event says so",
		`UPDATE handovers SET into_session = (SELECT min(session_id) FROM requests)`:                 "no event says so",
		`UPDATE handovers SET verdict = NULL, ended_by = NULL, ended_at = NULL, into_session = NULL`: "an event says so, and no row",
		`DELETE FROM handovers`:                                                                      "an event says so, and no row",
	} {
		b := setup(t)
		first := b.alone(t, "one", "", "1.1")
		b.accepts(t, first.ID, b.offers(t, first.ID, "OTHER", []string{"F1"}, []string{first.ID}), approval.Session{ID: "into", Team: team, Channel: "D2", ThreadTS: "2.2"})
		_, err := b.pool.Exec(t.Context(), `SET session_replication_role = replica; `+sql)
		require.NoError(t, err)
		_, err = AuditorOf(b.DB).Request(t.Context(), first.ID)
		require.ErrorContains(t, err, says, sql)
	}
}
