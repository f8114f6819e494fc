package approval

import (
	"fmt"
	"slices"
	"time"

	"countersign/approval/reading"
	"countersign/budget"
)

// The step between finding files and drafting: each file is read in a box of its own. What a
// box says of a file is kept by the file's content, so that nobody pays for it twice.

// Content names what was read: these bytes, in this channel, by this desk in this template.
// Another desk may read the same bytes otherwise, and no channel learns of another's files.
type Content struct {
	Team     string
	Project  string
	SHA256   string
	Desk     string
	Template string
}

// Key is what names the content among the locks.
func (c Content) Key() string {
	return Hash(fmt.Appendf(nil, "%q %q %q %q %q", c.Team, c.Project, c.SHA256, c.Desk, c.Template))
}

// Rests are how long a file is refused without a box after its first two boxes that did not read
// it, after four, and after any more. One hiccup of a cloud costs minutes; a file that ends its
// boxes costs a few of them a day, whoever asks. After the last rest it counts anew.
var Rests = [...]time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

// BoxesInARow is how many boxes a file may end until it rests.
const BoxesInARow = 2

// RestAfter is the one after so many boxes.
// One or two boxes give the first rest, three or four the second, any more the last.
func RestAfter(boxes int) time.Duration {
	return Rests[min(max(boxes-1, 0)/BoxesInARow, len(Rests)-1)]
}

// Passing tells of a problem that lies in the box as much as in the file: another box, later,
// may do better. Any other stays as long as the file does.
func Passing(p reading.Problem) bool {
	return slices.Contains([]string{"memory", "time", "misbehaved", "failed"}, p.Code)
}

// Read notes how the files are read. From here on a model may write about them.
func (r *Request) Read(files []File, now time.Time) error {
	if !r.Can("Read") || r.Seek != nil {
		return r.Illegal("read the files of")
	}
	readAs(r, files, now)
	r.touch(now, NextStep(r), StepShow)
	return nil
}

// ReadingLost tells that a file has been read, and that what came of it is no more.
func (f File) ReadingLost() bool { return f.ReadAs != "" && f.Reading == nil }

// readAs notes how files are read.
func readAs(r *Request, files []File, now time.Time) {
	r.Money().Boxes().concludeReadings(now)
	r.Files = slices.Clone(files)
	told := make([]map[string]any, len(files))
	for i, f := range files {
		told[i] = map[string]any{"id": f.ID, "content": Said(f.SHA256), "reading": Said(f.ReadAs)}
		r.Files[i].Was = ""
	}
	r.note(now, System, EventRead, map[string]any{"files": told})
}

// Doubt is what its asker has to be asked about a file before a model is; nil: nothing.
func (f File) Doubt() *reading.Doubt {
	if f.Reading == nil {
		return nil
	}
	// First whether an answer of another thread holds: a yes to it answers the doubts below.
	if before := reading.Before(); len(f.Offered) > 0 && !slices.ContainsFunc(f.Answers, func(a reading.Answered) bool { return a.Doubt == before }) {
		return &before
	}
	if open := f.Reading.Doubts(f.Answers); len(open) > 0 {
		return &open[0]
	}
	return nil
}

// Doubted is the question that is put to the asker of a request: about which of its files,
// and a key that names it, so that a late click answers nothing else.
func (r *Request) Doubted() (file int, d reading.Doubt, key string, ok bool) {
	for i, f := range r.Files {
		if d := f.Doubt(); d != nil {
			// Of the content too: of another upload under the same id nobody has been asked.
			return i, *d, Short(Hash(fmt.Appendf(nil, "%q %q %+v", f.ID, f.SHA256, *d))), true
		}
	}
	return 0, d, "", false
}

// AskBack puts the question to the asker. Nothing is held while it waits.
func (r *Request) AskBack(files []File, p Policy, now time.Time) error {
	if !r.Can("AskBack") || r.Seek != nil || r.Edit != nil || r.Blocked != nil {
		return r.Illegal("ask about the files of")
	}
	// Doubted reads the files as they have just been read.
	r.Files = files
	at, d, _, ok := r.Doubted()
	if !ok {
		return r.Illegal("ask about the files of")
	}
	// The schema lets no request ask while a hold is open that was not called (requests_asking_holds_nothing). What
	// was called would stay held for as long as the asker thinks about it, so it is settled here.
	for _, h := range slices.Clone(r.Holds) {
		switch {
		case h.Purpose == budget.ForReady: // its box is not ended yet
			Early{r}.Lose(r.Revision.Manifest.Sandbox, now)
		case h.Called: // by a replica that died over a reading: nothing may stay held, so it is charged in full
			r.Money().Settle(r.Money().inFull(h, now))
		}
	}
	r.Money().release(now)
	r.note(now, System, EventAskedAbout, about(r, at, d))
	r.move(Asking, now, now.Add(p.Expiry))
	return nil
}

// shows tells whether a box shows the asker their letters now: who answers meanwhile would end
// a hold that the box has yet to settle. One that nobody settles blocks for its life at most.
func shows(r *Request, now time.Time) bool {
	return r.State == Asking && slices.ContainsFunc(r.Holds, func(h budget.OpenHold) bool {
		return h.Purpose == budget.ForRead && h.Called && !h.Uncertain() && now.Before(h.ExpiresAt)
	})
}

// Answer is what the asker says. It goes on, with the money for its draft held anew.
func (r *Request) Answer(key, says string, worst budget.USD, p Policy, now time.Time) error {
	if !r.Can("Answer") {
		return r.Illegal("answer about the files of")
	}
	if shows(r, now) {
		return &MoveError{Request: r, Verb: "answer about the files of", Why: Because(WhyLookedAt)}
	}
	at, d, open, ok := r.Doubted()
	if !ok || key != open || !slices.ContainsFunc(d.Choices(), func(c reading.Choice) bool { return c.Says == says }) {
		return &MoveError{Request: r, Verb: "answer about the files of", Why: Because(WhyOtherDoubt)}
	}
	r.Files = slices.Clone(r.Files)
	f := &r.Files[at]
	given := reading.Answered{Doubt: d, Says: says, By: r.Asker, Content: f.SHA256}
	// Slices are copied, never changed in place: steps keep shallow copies of the request as it was.
	f.Answers = append(slices.Clone(f.Answers), given)
	data := about(r, at, d)
	data["says"] = says
	switch {
	// Three ends: what changes the bytes' meaning has the file read anew in a box; what was told before does so with
	// all that was told; what only gives a column its type is applied to the reading that there is.
	case len(d.InEncodings()) > 0 && says != f.Reading.Encoding:
		f.Reading, f.ReadAs = nil, "" // it is read in that one
	case says == reading.AsBefore:
		f.Answers = append(f.Answers, f.Offered...)
		f.Reading, f.ReadAs = nil, "" // it is read by them
		data["told_by"] = f.Offered[0].By
	default:
		f.Reading = f.Reading.Settled([]reading.Answered{given})
	}
	r.note(now, r.Asker, EventAnswered, data)
	if worst > 0 {
		r.Money().hold(budget.ForDraft, worst, now, DraftHoldLife)
	}
	r.move(Drafting, now, now.Add(p.Expiry), NextStep(r))
	return nil
}

// Told is what a box has to know of a file before it reads it; nil: nothing.
func (f File) Told() *reading.Told { return reading.ToldIn(f.Heard()) }

// Heard is what was said of what the file holds now.
func (f File) Heard() []reading.Answered {
	return slices.DeleteFunc(slices.Clone(f.Answers), func(a reading.Answered) bool { return a.Content != f.SHA256 })
}

// Corrected are the files of a request with what somebody has said of one of them.
func Corrected(r *Request, id string, said []reading.Answered) ([]File, error) {
	files := slices.Clone(r.Files)
	at := slices.IndexFunc(files, func(f File) bool { return f.ID == id })
	if at < 0 || files[at].SHA256 == "" || len(said) == 0 {
		return nil, &MoveError{Request: r, Verb: "correct the reading of", Why: Because(WhyNotReadYet)}
	}
	f := &files[at]
	f.Answers = slices.Clone(f.Answers)
	for _, a := range said {
		// By the asker and of these bytes, whatever a form says: an answer holds for no other content.
		a.By, a.Content = r.Asker, f.SHA256
		f.Answers = append(slices.DeleteFunc(f.Answers, func(b reading.Answered) bool { return b.Doubt == a.Doubt && b.Content == a.Content }), a)
	}
	return files, nil
}

// Correct takes the asker's word for how a file is read, instead of what was found out. It is
// read anew, and where its columns stay what they were, the same code is sealed anew.
func (r *Request) Correct(id string, said []reading.Answered, worst budget.USD, p Policy, now time.Time) error {
	if r.Repeats != nil {
		return &MoveError{Request: r, Verb: "correct", Why: Because(WhySameCode)}
	}
	if !r.Can("Correct") || (Talk{r}).Open() != nil { // what the model asks comes first
		return r.Illegal("correct the reading of")
	}
	if shows(r, now) {
		return &MoveError{Request: r, Verb: "correct the reading of", Why: Because(WhyLookedAt)}
	}
	if !now.Before(r.ExpiresAt) {
		return &MoveError{Request: r, Verb: "correct the reading of", Why: Because(WhyTooLate)}
	}
	files, err := Corrected(r, id, said)
	if err == nil {
		err = anotherRound(r, p)
	}
	if err != nil {
		return err
	}
	told := make([]map[string]any, len(said))
	for i, a := range said {
		told[i] = map[string]any{"code": a.Code, "table": a.Table, "column": Said(a.Column), "says": Said(a.Says)}
	}
	r.note(now, r.Asker, EventCorrected, map[string]any{"file": id, "told": told})
	for i := range files {
		if f := &files[i]; f.ID == id {
			// Kept from the first correction on: the code was written for what the file was then, however often it is
			// corrected before it is read again.
			if r.Revision != nil && f.Was == "" && f.Reading != nil {
				f.Was = Hash([]byte(f.Reading.Shape()))
			}
			f.Reading, f.ReadAs, f.Offered = nil, "", nil
		}
	}
	r.Files, r.Attempts, r.Reason = files, 0, Reason{}
	r.Rounds++
	if worst > 0 {
		r.Money().hold(budget.ForDraft, worst, now, DraftHoldLife)
	}
	r.move(Drafting, now, now.Add(p.Expiry), NextStep(r))
	return nil
}

// SameColumns tells whether files that were read otherwise have the columns that the code was written for.
func SameColumns(r *Request) bool {
	// Without a corrected file the answer is no: then there is nothing to seal anew.
	corrected := false
	for _, f := range r.Files {
		if f.Was == "" {
			continue
		}
		if f.Reading == nil || Hash([]byte(f.Reading.Shape())) != f.Was {
			return false
		}
		corrected = true
	}
	return corrected && r.Revision != nil && r.Edit == nil
}

// Reseal puts the same code before the reviewers, sealed with files that are read otherwise.
func (r *Request) Reseal(files []File, fresh Manifest, p Policy, now time.Time) error {
	if !r.Can("Reseal") || r.Seek != nil || r.Revision == nil || r.Edit != nil || r.Written != nil {
		return r.Illegal("seal the code of")
	}
	readAs(r, files, now)
	sealAnew(r, Because(WhyReadAsTold), fresh, NamedAnew(r.Revision.Findings, r.Files), p, now)
	return nil
}

// about is what an event says of a question: which file, and which column by its hash.
func about(r *Request, file int, d reading.Doubt) map[string]any {
	data := map[string]any{"file": r.Files[file].ID, "code": d.Code}
	if d.Column != "" {
		data["column"] = Said(d.Column)
	}
	return data
}

// Boxes is what a request pays for boxes beside the one of its run: those that read its
// files, compare letters, and inspect what was written.
type Boxes struct{ Money }

// Boxes are the verbs that are about them.
func (r Money) Boxes() Boxes { return Boxes{r} }

// Inspect says that what was written is about to be inspected, which costs most. One
// that was begun and not booked belongs to a replica that died: it is charged in full.
func (r Boxes) Inspect(most budget.USD, p Policy, now time.Time) error {
	if !r.Can("Inspect") || r.Blocked != nil || r.Edit == nil && r.Written == nil {
		return r.Illegal("inspect the code of")
	}
	// What a model wrote counts its own tries, because its attempts are calls. An edit has made no call, and
	// TakeEdit has set them to none.
	tries := &r.Attempts // of an edit
	if r.Edit == nil {
		w := *r.Written
		r.Written, tries = &w, &w.Tries
	}
	if *tries >= p.MaxAttempts {
		return &MoveError{Request: r.Request, Verb: "inspect the code of", Why: Because(WhyManyInspections)}
	}
	*tries++
	r.callBox(r.forBox(budget.ForInspect, most, false, now), most, *tries, "inspection", now)
	return nil
}

// Read says that a box is about to read a file, which costs most, and which it is of the
// file's boxes. One that was begun and not booked belongs to a replica that died: it is
// charged in full. What is held for the draft stays held beside it; instead of it, where no
// budget bears both: the draft asks the budgets anew.
func (r Boxes) Read(most budget.USD, attempt int, instead bool, now time.Time) error {
	if !r.Can("Read") || r.Blocked != nil || r.Seek != nil || r.Edit != nil || r.Written != nil && r.Repeats == nil {
		return r.Illegal("read the files of")
	}
	r.callBox(r.forBox(budget.ForRead, most, !instead, now), most, attempt, "reading", now)
	return nil
}

// Compare says that a box is about to show the asker what a text looks like in several encodings.
func (r Boxes) Compare(most budget.USD, now time.Time) error {
	if !r.Can("Compare") {
		return r.Illegal("compare the letters of")
	}
	r.callBox(r.forBox(budget.ForRead, most, true, now), most, 1, "reading", now)
	return nil
}

// concludeReadings settles boxes that nobody booked: their replica kept the reading, and died
// before it paid. What such a box has cost is unknown, so its hold is charged in full.
func (r Boxes) concludeReadings(now time.Time) {
	for _, h := range slices.Clone(r.Holds) {
		if h.Purpose == budget.ForRead && h.Called && !h.Uncertain() {
			r.Settle(r.inFull(h, now))
		}
	}
}

// callBox says that a box is about to be used under a hold, for which it may cost most.
func (r Boxes) callBox(h *budget.OpenHold, most budget.USD, attempt int, what string, now time.Time) {
	r.markCalled(h)
	r.risk(h, h.Risked+most, h.UncertainAt)
	r.Place = NotInLine
	r.note(now, System, EventCalled, map[string]any{"attempt": attempt, "model": what, "hold": h.ID})
	r.touch(now, StepShow)
}

// forBox is the hold that bears a box beside the run's, as the last of them: that of a call
// of which nobody knows the price, where it has room, or one of its own. beside leaves what is
// held for a draft as it is.
func (r Boxes) forBox(purpose budget.Purpose, most budget.USD, beside bool, now time.Time) *budget.OpenHold {
	keep := ""
	for _, h := range slices.Clone(r.Holds) {
		// An inspection may use any hold that bears it; a reading uses none that a draft has yet to be
		// called under.
		its := purpose == budget.ForInspect || h.Purpose == purpose || h.Called
		switch {
		case keep == "" && its && h.Bears(most) && (h.Called || !now.Add(DraftHoldLife/2).After(h.ExpiresAt)):
			keep = h.ID
		// The draft's money stays for the draft, and a summary's for the summary.
		case h.Apart() || !h.Called && beside && h.Purpose == budget.ForDraft:
		case !h.Called:
			r.Settle(budget.Settlement{HoldID: h.ID, At: now}) // it waited so long that a sweep could take it
		// Called and neither booked nor known to be uncertain: whoever used this box has died.
		case !h.Uncertain():
			r.Settle(r.inFull(h, now))
		}
	}
	if keep == "" {
		// What this move has just given back goes on as the new hold, without asking the budgets again.
		if purpose == budget.ForRead && r.Changes.Freed >= most {
			r.carry(purpose, most, now, DraftHoldLife)
		} else {
			r.hold(purpose, most, now, DraftHoldLife)
		}
		return &r.Holds[len(r.Holds)-1]
	}
	return r.last(keep)
}
