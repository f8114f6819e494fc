package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/handover"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// Threads that were handed to colleagues.

// handRow is an offer with the events that tell of it, and of its end.
// Two events vouch for it: one for the offer, and one for its end once it has ended. A forged end would hand a thread to
// somebody whom nobody has chosen.
type handRow struct {
	ID, RequestID, SessionID   string
	Giver, Colleague           string
	Files, Answers             []string
	At, Until                  time.Time
	Verdict                    approval.HandVerdict
	EndedBy                    string
	EndedAt                    *time.Time
	IntoSession                string
	IntoChannel, IntoThread    string
	OfferLine, OfferKey        *string
	OfferSignature             *string
	EndLine, EndKey, EndSigned *string
}

// handColumns are its columns, of the row h of handovers; all empty where there is none.
const handColumns = `coalesce(h.id, '') AS id, coalesce(h.request_id, '') AS request_id, coalesce(h.session_id, '') AS session_id, coalesce(h.giver, '') AS giver, coalesce(h.colleague, '') AS colleague,
	h.files, h.answers, coalesce(h.at, 'epoch') AS at, coalesce(h.until, 'epoch') AS until, coalesce(h.verdict, '') AS verdict, coalesce(h.ended_by, '') AS ended_by, h.ended_at,
	coalesce(h.into_session, '') AS into_session, coalesce(i.channel, '') AS into_channel, coalesce(i.thread_ts, '') AS into_thread,
	o.line AS offer_line, o.key AS offer_key, o.signature AS offer_signature, v.line AS end_line, v.key AS end_key, v.signature AS end_signed`

// handEvents join the events, and the thread that it leads to.
const handEvents = ` LEFT JOIN sessions i ON i.id = h.into_session
	LEFT JOIN LATERAL (SELECT ` + trail.VoucherOf + ` FROM events e WHERE e.stream = 'request:' || h.request_id AND e.at = h.at AND e.actor = h.giver
		AND e.kind = 'offered hand-over' ORDER BY e.seq LIMIT 1) o ON true
	LEFT JOIN LATERAL (SELECT ` + trail.VoucherOf + ` FROM events e WHERE e.stream = 'request:' || h.request_id AND e.at = h.ended_at AND e.actor = h.ended_by
		AND e.kind = h.verdict || ' hand-over' ORDER BY e.seq LIMIT 1) v ON true `

// doubtsHandOver tells of a row that signed events do not tell of. Whoever forges one hands nothing over.
func (c *core) doubtsHandOver(r handRow) bool {
	what := fmt.Sprintf("the hand-over %s by %s", r.ID, r.RequestID)
	offered := trail.Voucher{Line: r.OfferLine, Key: r.OfferKey, Signature: r.OfferSignature}
	if c.notary.Doubts(offered, what, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.EventOfferedHandOver && e.Actor == r.Giver && e.At.Equal(r.At) &&
			e.Says(map[string]string{"handover": r.ID, "session": r.SessionID, "to": r.Colleague}) && sameList(e.Data["files"], r.Files) && sameList(e.Data["answers"], r.Answers)
	}) {
		return true
	}
	ended := trail.Voucher{Line: r.EndLine, Key: r.EndKey, Signature: r.EndSigned}
	return r.Verdict != "" && c.notary.Doubts(ended, what, func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.HandEvents[r.Verdict] && e.Actor == r.EndedBy && r.EndedAt != nil && e.At.Equal(*r.EndedAt) &&
			e.Says(map[string]string{"handover": r.ID, "into": r.IntoSession})
	})
}

// sameList holds a list against what its event says, in the same order.
func sameList(told any, list []string) bool {
	text, err := json.Marshal(pg.OrEmpty(list))
	return err == nil && trail.SameJSON(told, string(text))
}

// addHandOvers reads the offers that were made by a request.
func (c *core) addHandOvers(b *pgx.Batch, id string, take func(approval.HandOver)) {
	pg.Ask(b, func(rows []handRow) error {
		for _, r := range rows {
			// Left out without an error: Doubts has the operator know, and the thread is as if nobody had offered it.
			if c.doubtsHandOver(r) {
				continue
			}
			h := approval.HandOver{ID: r.ID, To: r.Colleague, Files: pg.OrNil(r.Files), Answers: pg.OrNil(r.Answers), At: r.At, Until: r.Until, Verdict: r.Verdict, By: r.EndedBy, Ended: pg.OrZero(r.EndedAt)}
			// Only an offer that was accepted leads anywhere.
			if r.IntoSession != "" {
				h.Into = approval.Session{ID: r.IntoSession, Channel: r.IntoChannel, ThreadTS: r.IntoThread}
			}
			take(h)
		}
		return nil
	}, `SELECT `+handColumns+` FROM handovers h`+handEvents+`WHERE h.request_id = $1 ORDER BY h.at, h.id`, id)
}

// storeHandOver stores an offer, or how it has ended. A thread of the colleague's own begins with it.
func storeHandOver(b *pgx.Batch, r *approval.Request) {
	h := r.Changes.HandOver
	switch {
	case h == nil:
	// The trigger handovers_gives looks whether what it names is the thread's, and handovers_one_open whether one to the same
	// colleague is open already.
	case h.Verdict == "":
		b.Queue(`INSERT INTO handovers (id, request_id, session_id, team, project, giver, colleague, files, answers, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			h.ID, r.ID, r.SessionID, r.Team, r.Project, r.Asker, h.To, pg.OrEmpty(h.Files), pg.OrEmpty(h.Answers), pg.Micro(h.At), pg.Micro(h.Until))
	default:
		// Accepted in the thread itself, it goes on there and no session is made.
		if h.Into.ID != "" && h.Into.ID != r.SessionID {
			alone := h.To
			if approval.Direct(r.Project) { // what goes by no channel's rules is marked as nobody's own, and stands where they alone read
				alone = ""
			}
			b.Queue(`INSERT INTO sessions (id, team, channel, thread_ts, private_to) VALUES ($1, $2, $3, $4, $5)`, h.Into.ID, r.Team, h.Into.Channel, h.Into.ThreadTS, alone)
		}
		// The session comes first: into_session refers to it, and handovers_lead wants it to be the colleague's own.
		b.Queue(`UPDATE handovers SET verdict = $2, ended_by = $3, ended_at = $4, into_session = nullif($5, '') WHERE id = $1`, h.ID, h.Verdict, h.By, pg.Micro(h.Ended), h.Into.ID)
	}
}

// handed are what a thread was handed to somebody with.
type handed struct {
	handRow
	Lists [][]approval.File // the files of the questions that went over, the latest first
}

// addHandedFiles reads the files that were handed over with a thread, or with the one from which it comes, and
// to whom.
func (c *core) addHandedFiles(b *pgx.Batch, thread approval.Session, take func(files []approval.File)) {
	pg.Ask(b, func(rows []handed) error {
		var all []approval.File
		for _, r := range rows {
			if c.doubtsHandOver(r.handRow) {
				continue
			}
			// A question may have had files that its asker did not hand over. The list of the offer is what counts.
			for _, f := range onceEach(r.Lists) {
				if slices.Contains(r.Files, f.ID) {
					f.Handed = []approval.Handed{{To: r.Colleague, By: r.Giver}}
					all = append(all, f)
				}
			}
		}
		take(all)
		return nil
	}, `SELECT `+handColumns+`, (SELECT coalesce(jsonb_agg(q.files ORDER BY q.created_at DESC, q.id DESC), '[]') FROM requests q
			WHERE q.session_id = h.session_id AND q.seek IS NULL AND q.repeats IS NULL AND q.created_at <= h.ended_at) AS lists
		FROM sessions s JOIN handovers h ON h.into_session = s.id`+handEvents+`WHERE s.team = $1 AND s.channel = $2 AND s.thread_ts = $3 ORDER BY h.ended_at, h.id`,
		thread.Team, thread.Channel, thread.ThreadTS)
}

// onceEach are the files of some lists by their ids, each as it stands first. Two of one name are two that can be ticked.
func onceEach(lists [][]approval.File) (files []approval.File) {
	for _, f := range slices.Concat(lists...) {
		if !slices.ContainsFunc(files, func(g approval.File) bool { return g.ID == f.ID }) {
			files = append(files, f)
		}
	}
	return files
}

// withHanded adds to the files of a thread those that came with it, and says of each to whom it was handed.
func withHanded(files, came []approval.File) []approval.File {
	for _, f := range came {
		at := slices.IndexFunc(files, func(g approval.File) bool { return g.ID == f.ID })
		if at < 0 {
			files = append(files, f)
			continue
		}
		files[at].Handed = append(slices.Clone(files[at].Handed), f.Handed...)
	}
	return files
}

// sources are the threads from which a prompt of a thread tells: its own, and those that were handed
// over to it, as far as signed events say so.
type sources struct {
	Sessions []string
	Until    []time.Time
	Answers  []string // requests whose results go along
}

// sourcesOf reads them.
func (c *core) sourcesOf(ctx context.Context, tx pgx.Tx, session string) (s sources, err error) {
	// knows_of (in the schema) follows hand-overs backwards through any number of threads. It believes rows; each is
	// held against its events here, and one that is not signed ends that branch.
	rows, err := pg.All[handRow](ctx, tx, `SELECT `+handColumns+` FROM knows_of($1) k JOIN handovers h ON h.id = k.through`+handEvents+`ORDER BY h.ended_at DESC`, session)
	if err != nil {
		return s, err
	}
	lead := leadsTo(c, session)
	for _, r := range rows { // the latest first: each leads into one before it
		end, ok := lead(r)
		if !ok {
			continue
		}
		s.Sessions, s.Until = append(s.Sessions, r.SessionID), append(s.Until, end)
		if r.IntoSession == session { // what was given goes as far as its giver has named
			s.Answers = append(s.Answers, r.Answers...)
		}
	}
	return s, nil
}

// leadsTo tells of one hand-over after another, the latest first, whether signed events have it lead to a thread,
// and until when what was said in its own goes along.
func leadsTo(c *core, session string) func(r handRow) (until time.Time, ok bool) {
	// ends keeps, for each thread on the way, until when its words went over. Of a chain the earliest end counts.
	trusted, ends := []string{session}, map[string]time.Time{}
	return func(r handRow) (time.Time, bool) {
		if !slices.Contains(trusted, r.IntoSession) || c.doubtsHandOver(r) {
			return time.Time{}, false
		}
		end := pg.OrZero(r.EndedAt)
		// What was said in a thread after it had been handed on itself was never handed to anybody further.
		if before, ok := ends[r.IntoSession]; ok && before.Before(end) {
			end = before
		}
		trusted, ends[r.SessionID] = append(trusted, r.SessionID), end
		return end, true
	}
}

// askedIn are the last questions of a thread that another one knows of, before one of that.
type askedIn struct {
	handRow // by which it knows of it; empty for its own
	Session string
	Asked   []asked
}

// asked is a question of a thread, and when it was asked: before or after a hand-over.
type asked struct {
	ID, Question string
	At           time.Time
}

// addEarlier reads the last questions before a request: of its thread, and of those that were handed over to it, as
// far as signed events say so.
func addEarlier(c *core, b *pgx.Batch, id string, take func(questions []string)) {
	pg.Ask(b, func(rows []askedIn) error {
		var all []asked
		// The first row is the request's own thread: k.through is NULL in it, which the query puts first.
		var lead func(handRow) (time.Time, bool)
		for _, r := range rows { // its own first, and then the latest
			until, ok := time.Time{}, true
			if r.ID == "" {
				lead = leadsTo(c, r.Session)
			} else if until, ok = lead(r.handRow); !ok {
				continue
			}
			for _, a := range r.Asked {
				if (r.ID == "" || !a.At.After(until)) && !slices.ContainsFunc(all, func(had asked) bool { return had.ID == a.ID }) {
					all = append(all, a)
				}
			}
		}
		slices.SortFunc(all, func(a, b asked) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
		var questions []string
		// Three, as many as the query brings of each thread: enough for a reviewer to see what a follow-up is about.
		for _, a := range all[max(0, len(all)-3):] {
			questions = append(questions, a.Question)
		}
		take(questions)
		return nil
	}, `SELECT `+handColumns+`, k.session_id AS session, (SELECT coalesce(jsonb_agg(jsonb_build_object('ID', one.id, 'Question', said(one.question), 'At', one.created_at)), '[]')
			FROM (SELECT q.id, q.question, q.created_at FROM requests q WHERE q.session_id = k.session_id AND q.created_at <= k.until
				AND (q.created_at, q.id) < (this.created_at, this.id)
				AND (q.seek IS NULL OR q.state = 'drafting') -- not what was never found
				AND q.repeats IS NULL ORDER BY q.created_at DESC, q.id DESC LIMIT 3) one) AS asked
		FROM requests this JOIN knows_of(this.session_id) k ON true LEFT JOIN handovers h ON h.id = k.through`+handEvents+`WHERE this.id = $1 ORDER BY k.through IS NOT NULL, h.ended_at DESC`, id)
}

// HandOvers is what the desk of hand-overs needs to know.
type HandOvers struct{ DB *DB }

// stocked is a question of a thread, with what of it could go over.
type stocked struct {
	ID, Question string
	Own, Came    bool
	Alone        bool
	Files        []approval.File
	Channel      string
	ThreadTS     string `db:"thread_ts"`
	SessionID    string
	Team         string
}

// Stock implements handover.Shelf: a request, and what of its thread can be handed over by its asker.
func (s HandOvers) Stock(ctx context.Context, id string) (*approval.Request, handover.Stock, error) {
	var l loaded
	var stock handover.Stock
	err := s.DB.core.look(ctx, func(b *pgx.Batch) {
		// Begun anew with each try of the batch, which is sent again where the connection broke.
		stock = handover.Stock{}
		s.DB.core.addRequest(b, id, &l, true)
		addStock(b, id, &stock)
	})
	return l.Request, stock, pg.While(err, "what of the thread of %s can be handed over", id)
}

// addStock reads what somebody could hand over: the files and the private answers of a thread, its latest hundred
// questions. Answers that were taken back, or are somebody else's, are not theirs to give.
func addStock(b *pgx.Batch, id string, stock *handover.Stock) {
	pg.Ask(b, func(rows []stocked) error {
		var lists [][]approval.File
		for _, r := range rows {
			// The same in each row; there is at least the request's own, or nothing was found.
			stock.Thread, stock.Alone = approval.Session{ID: r.SessionID, Team: r.Team, Channel: r.Channel, ThreadTS: r.ThreadTS}, r.Alone
			stock.Questions++
			lists = append(lists, r.Files)
			if r.Alone && r.Own && r.Came {
				stock.Answers = append(stock.Answers, handover.Answer{Request: r.ID, Question: r.Question})
			}
		}
		// What the thread would use today, and apart from that what it once had: a colleague may need an earlier table.
		stock.Files = approval.Remembered(lists)
		stock.Former = slices.DeleteFunc(onceEach(lists), func(f approval.File) bool {
			return slices.ContainsFunc(stock.Files, func(g approval.File) bool { return g.ID == f.ID })
		})
		return nil
	}, `
		SELECT q.id, said(q.question) AS question, q.asker = this.asker AS own, s.private_to <> '' OR s.channel ~ '^D' AS alone, q.files, s.channel, coalesce(s.thread_ts, '') AS thread_ts, s.id AS session_id, s.team,
			q.state = 'done' AND NOT EXISTS (SELECT FROM takebacks WHERE request_id = q.id) AND EXISTS (SELECT FROM runs x WHERE x.request_id = q.id AND x.result IS NOT NULL) AS came
		FROM requests this JOIN sessions s ON s.id = this.session_id JOIN requests q ON q.session_id = s.id AND (q.seek IS NULL OR q.id = this.id) AND q.repeats IS NULL
		WHERE this.id = $1 ORDER BY q.created_at DESC, q.id DESC LIMIT 100`, id)
}

// Came implements handover.Shelf: what was handed over with a thread, as the colleague may read it.
func (s HandOvers) Came(ctx context.Context, session string) (said []approval.Message, err error) {
	err = s.DB.read(ctx, func(tx pgx.Tx) error {
		from, err := s.DB.core.sourcesOf(ctx, tx, session)
		if err != nil {
			return err
		}
		said, err = saidIn(ctx, tx, "", from)
		return err
	})
	return said, pg.While(err, "what was handed over to %s", session)
}
