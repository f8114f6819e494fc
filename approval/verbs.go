package approval

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/budget"
)

// StandInLine notes where the request is in the line for a box.
func (r *Request) StandInLine(place int, now time.Time) error {
	if !r.Can("StandInLine") {
		return r.Illegal("stand in line with")
	}
	if r.Place != place {
		r.Place = place
		r.touch(now, StepShow)
	}
	return nil
}

// New is the verb Ask: a request comes into the world, drafting, with the money
// for its first draft held. It is pure; whoever asks checks what people gave.
func New(q Question, model string, hold budget.USD, p Policy, now time.Time) *Request {
	r := begin(q, model, now)
	r.Money().hold(budget.ForDraft, hold, now, DraftHoldLife)
	r.State, r.ExpiresAt = Drafting, now.Add(p.Expiry)
	r.touch(now, StepFind) // nobody sees it before it is known where it belongs
	return r
}

// begin is what a new request has in any case, with or without money: its question is kept as it
// came, and Seek says what is still to be looked up.
func begin(q Question, model string, now time.Time) *Request {
	r := &Request{
		ID: NewID(7), SessionID: NewID(10), Team: q.Team, Project: q.Project, Asker: q.Asker, Question: q.Text,
		Model: model, Files: q.Files, Trigger: q.Trigger, CreatedAt: now,
		Seek:    &Seek{Follow: q.Follow, Given: q.Given, Brought: q.Brought, Thread: q.ThreadTS, Seat: q.Seat},
		Private: q.Private, Chosen: q.Chosen,
	}
	data := map[string]any{"question": Said(q.Text), "files": saidAll(FileNames(q.Files)), "model": model, "channel": q.Project, "trigger": q.Trigger}
	if q.Private {
		data["private"] = true
	}
	if q.Chosen != nil {
		data["chosen"], data["chosen_by"] = q.Chosen.Model, q.Chosen.By
		if q.Chosen.Barred {
			data["instead_of"] = q.Chosen.Model
		}
	}
	r.note(now, q.Asker, EventAsked, data)
	say(r, now, RoleQuestion, q.Text)
	return r
}

// Refuse notes a draft that cannot be shown to a person, and has another one
// written.
func (r *Request) Refuse(refusal Refusal, now time.Time) error {
	if !r.Can("Refuse") {
		return r.Illegal("refuse the draft of")
	}
	r.Refused, r.Place, r.Written = append(r.Refused, refusal), NotInLine, nil
	r.note(now, System, EventRefusedDraft, map[string]any{"attempt": r.Attempts, "reason": Said(refusal.Reason), "code": Said(refusal.Code)})
	r.touch(now, NextStep(r))
	return nil
}

// Keep stores what a model has written, which is paid for by now. The money for its
// inspection is what the call's hold has left. Where that is too little, the inspection
// asks the budgets itself, and what is written waits for them.
func (r *Request) Keep(w Written, most budget.USD, now time.Time) error {
	if !r.Can("Keep") || r.Edit != nil {
		return r.Illegal("keep the draft of")
	}
	w.At = now
	r.Written = &w
	// A hold on which the inspection may run can be there already: that of an earlier call whose
	// cost nobody knows. Then a second one would keep more money than was agreed to.
	if !slices.ContainsFunc(r.Holds, func(h budget.OpenHold) bool { return h.Bears(most) }) {
		r.Money().carry(budget.ForInspect, most, now, DraftHoldLife)
	}
	data := map[string]any{"attempt": r.Attempts, "code": Said(w.Code), "prompt_version": w.PromptVersion, "provider": w.Provider, "host": w.Host}
	if w.Notes != (SealedNotes{}) {
		data["notes"] = w.Notes
	}
	r.note(now, w.Author, EventWritten, data)
	r.touch(now, StepInspect)
	return nil
}

// Again records a call that failed in a way that may pass. The job that made the call
// repeats it later.
func (r *Request) Again(why string, now time.Time) error {
	if !r.Can("Again") {
		return r.Illegal("draft")
	}
	r.note(now, System, EventCallFailed, map[string]any{"attempt": r.Attempts, "why": Said(why)})
	r.touch(now)
	return nil
}

// Drafted puts a revision before the reviewers. Whatever was approved before is
// not approved any more: approvals belong to a revision.
func (r *Request) Drafted(rev Revision, p Policy, now time.Time) error {
	if !r.Can("Drafted") || r.Seek != nil {
		return r.Illegal("draft")
	}
	rev.At = now
	if r.Edit != nil {
		r.Rounds++ // what did not get here was no round
	}
	renew(r, rev)
	r.Files = slices.Clone(r.Files)
	for i := range r.Files {
		r.Files[i].Was = "" // this code is written for what they are now
	}
	r.Reason = Reason{}
	if r.Edit != nil {
		r.Refused = nil // they were drafts of a model, and this is none
	}
	say(r, now, RoleCode, rev.Code)
	data := r.Revision.told()
	data["prompt_version"], data["findings"] = rev.PromptVersion, len(rev.Findings)
	if rev.Provider != "" {
		data["provider"], data["host"] = rev.Provider, rev.Host
	}
	if len(rev.Next) > 0 {
		next := strings.Join(rev.Next, "\n")
		say(r, now, RoleNext, next)
		data["next"] = Said(next)
	}
	by := rev.Author
	if r.Repeats != nil {
		by = System // whoever wrote it has done nothing now
	}
	r.note(now, by, EventDrafted, data)
	r.move(Pending, now, now.Add(p.Expiry))
	return nil
}

// Fail ends a request before anything has run, with a reason for the asker.
func (r *Request) Fail(reason Reason, now time.Time) error {
	if !r.Can("Fail") {
		return r.Illegal("fail")
	}
	r.Reason = reason
	r.Money().release(now)
	r.note(now, System, EventFailed, map[string]any{"reason": reason.Told()})
	r.move(Failed, now, time.Time{})
	return nil
}

// renew replaces the current version of the code. The new one gets the next number, so
// nothing that people said about an earlier version counts for it.
func renew(r *Request, rev Revision) {
	// Hash and digest are computed here and nowhere else, so no caller can store code under a
	// digest that is not its own.
	rev.RequestID, rev.Number = r.ID, 1
	if r.Revision != nil {
		rev.Number = r.Revision.Number + 1
		r.Authors = append(slices.Clone(r.Authors), r.Revision.Author)
	}
	rev.Manifest.CodeSHA256 = Hash([]byte(rev.Code))
	rev.Digest = rev.Manifest.Digest()
	if r.Glass != nil {
		r.OldGlass = append(r.OldGlass, *r.Glass)
	}
	r.Revision, r.Changes.Revision, r.Decisions, r.Glass = &rev, &rev, nil, nil
	r.RemindedAt, r.EscalatedAt = time.Time{}, time.Time{}
}

// AwaitBox records that no sandbox is free. It does so once; the job keeps asking until
// there is one or the approval has run out.
func (r *Request) AwaitBox(why string, now time.Time) error {
	if !r.Can("AwaitBox") {
		return r.Illegal("run")
	}
	// The job asks every few seconds, perhaps for an hour: one event says as much as hundreds.
	if r.Reason.Code == WhyNoBox {
		return nil
	}
	r.Reason = Because(WhyNoBox)
	r.note(now, System, EventNoBox, map[string]any{"why": Said(why)})
	r.touch(now, StepShow)
	return nil
}

// Start names the box, in which the code may start from now on, once. The seal
// is checked again: this is the last moment before the code is out of our hands.
func (r *Request) Start(box string, p Policy, now time.Time) error {
	if !r.Can("Start") || r.Run != nil {
		return r.Illegal("start")
	}
	if r.Revision.Manifest.CostCap > 0 && len(r.Money().ForRun()) == 0 || (Early{r}).Ends(box) {
		return r.Illegal("start") // another replica has paid a box with all of it meanwhile, or is ending this one
	}
	if !now.Before(r.ExpiresAt) {
		return &MoveError{Request: r, Verb: "start", Why: Because(WhyApprovalOver)}
	}
	if now.Before(QuietUntil(r)) {
		return &MoveError{Request: r, Verb: "start", Why: Because(WhyQuiet)}
	}
	if r.BrokenSeal(p) != nil {
		return &StaleError{Request: r}
	}
	// From here on the hold may have been spent: release no longer gives it back at no cost, and
	// a sweep charges it in full.
	for i, h := range r.Holds {
		if h.Purpose == budget.ForRun {
			r.Holds[i].Called = true
			r.Changes.Called = append(r.Changes.Called, h.ID)
		}
	}
	r.Reason, r.Away = Reason{}, nil // it waits for nothing any more
	r.Run = &Run{RequestID: r.ID, BoxID: box, StartedAt: now}
	r.Changes.Run = r.Run
	r.note(now, System, EventStarted, map[string]any{"box": box, "revision": r.Revision.Number, "digest": r.Revision.Digest})
	r.move(Running, now, time.Time{})
	return nil
}

// Begin notes that the code has begun in its box. From here on a box that claims
// that nothing was started in it is not believed: code can remove the mark that
// keeps it from being started twice, but not this row.
func (r *Request) Begin(now time.Time) error {
	if !r.Can("Begin") || !r.Run.BegunAt.IsZero() {
		return r.Illegal("begin")
	}
	now = r.Run.after(now)
	r.Run.BegunAt = now
	r.Changes.Run = r.Run
	r.note(now, System, EventBegun, map[string]any{"box": r.Run.BoxID})
	r.touch(now, StepShow)
	return nil
}

// after is a time that is not before the start of a run. The database's clock can be put back while code runs: a run that could not
// end until it had caught up would be paid for until then, and one of which nobody could note that it has begun might begin twice.
func (r *Run) after(now time.Time) time.Time {
	if now.Before(r.StartedAt) {
		return r.StartedAt
	}
	return now
}

// Finish stores what came out. A traceback is a result, too: the run happened.
func (r *Request) Finish(result Result, charge budget.Charge, p Policy, now time.Time) error {
	if !r.Can("Finish") || result.Outcome == Cancelled && r.Run.StoppedAt.IsZero() {
		return r.Illegal("finish")
	}
	now = r.Run.after(now)
	r.Run.FinishedAt, r.Run.Result = now, &result
	r.Changes.Run = r.Run
	// The event below names what the run has cost, which settledNow reads from this settlement.
	r.Money().PayBox(charge, now)
	text := result.Text(r.Revision.Code, 0) // what more of it a model may see is decided when a prompt is made
	say(r, now, RoleResult, text)
	var files []map[string]any
	for i, a := range result.Artifacts {
		files = append(files, map[string]any{"name": Said(a.Name), "content": Kept(fmt.Sprint("file ", i+1))})
	}
	data := map[string]any{"outcome": result.Outcome, "error": Said(result.Error), "said": Said(text), "result": Kept("result"), "files": files,
		"witness": result.Observed.Witness.told(), "hints": AllSaid{result.Observed.Hints()}, "box_ms": result.Box.Milliseconds(), "cost": r.Money().settledNow()}
	if c := result.Compared; c != nil {
		data["compared"] = c.Verdict()
	}
	r.note(now, System, EventFinished, data)
	if what := Compare(r.Revision.Findings, r.Revision.Manifest.Inputs, result.Observed); what != nil {
		r.note(now, System, EventMismatch, map[string]any{"what": saidAll(what)})
		r.Tell(Notice{Key: "surprise " + r.ID, Kind: NoticeSurprise, To: approvers(r), Admins: true, At: now, Data: Encode(Surprise{r.Revision.Number})})
	}
	r.move(Done, now, time.Time{})
	return nil
}

// approvers are those who approved what ran.
func approvers(r *Request) (people []string) {
	for _, d := range r.Decisions {
		if d.Revision == r.Revision.Number && d.Verdict == Approve && !slices.Contains(people, d.Reviewer) {
			people = append(people, d.Reviewer)
		}
	}
	return people
}

// Lose gives up a run whose box is gone. The code was started, its outcome is unknown,
// and it will not run again. The hold is charged in full.
func (r *Request) Lose(now time.Time) error {
	if !r.Can("Lose") {
		return r.Illegal("lose")
	}
	for _, h := range r.Money().ForRun() {
		r.Money().Settle(h.InFull(now, r.Revision.Manifest.Sandbox))
	}
	r.Reason = Because(WhyLost)
	say(r, now, RoleResult, lostToModel)
	r.note(now, System, EventLost, map[string]any{"box": r.Run.BoxID, "said": Said(lostToModel)})
	r.move(Lost, now, time.Time{})
	return nil
}

// lostToModel is a lost result as the model reads it in the next question of the thread.
const lostToModel = "It was started, but its result was lost. Nobody knows how it ended, and it will not be run again."

// Void ends a run that was named and never started: the box refused the code, and
// is no more. Nothing ran; the box is paid for.
func (r *Request) Void(reason Reason, charge budget.Charge, now time.Time) error {
	if !r.Can("Void") {
		return r.Illegal("void")
	}
	r.Money().PayBox(charge, now)
	r.Reason = reason
	data := map[string]any{"box": r.Run.BoxID, "reason": reason.Told(), "cost": r.Money().settledNow()}
	if r.Cause != nil { // why, in place of a reason
		data["cause"] = r.Cause.told()
	}
	r.note(now, System, EventVoided, data)
	r.move(Failed, now, time.Time{})
	return nil
}

// settledNow returns what this move has spent.
func (r Money) settledNow() (sum budget.USD) {
	for _, s := range r.Changes.Settlements {
		sum += budget.Total(s.Charges)
	}
	return sum
}

// ExpireIfDue ends a wait that has run out, and an offer of the request's thread that nobody has
// answered. It leaves any other request alone.
func ExpireIfDue(r *Request, now time.Time) error {
	for i := range r.HandOvers {
		if h := &r.HandOvers[i]; h.Verdict == "" && !now.Before(h.Until) && r.Changes.HandOver == nil { // one at a time: the next sweep has the next
			h.Verdict, h.By, h.Ended = HandExpired, System, now
			r.Changes.HandOver, r.Changes.Retell = h, true
			r.note(now, System, EventExpiredHandOver, map[string]any{"handover": h.ID})
		}
	}
	if !r.Can("Expire") || now.Before(r.ExpiresAt) {
		return nil
	}
	return r.Expire(now)
}

// PayBox settles what was held for the run with what its box has cost.
func (r Money) PayBox(charge budget.Charge, now time.Time) {
	for _, h := range r.ForRun() {
		r.Settle(budget.Settlement{HoldID: h.ID, At: now, Charges: []budget.Charge{charge}})
	}
}

// move changes the state; every move is shown, and some need more doing.
func (r *Request) move(to State, now, expires time.Time, steps ...Step) {
	// Whoever was told of it sees where it is now. Of a first draft that is only who asked, while it
	// waits for what is away. While a version is changed, its reviewers have been told of it too.
	changed := r.Revision != nil && (r.State == Drafting || r.State == Asking)
	r.Changes.Retell = r.Changes.Retell || r.State == Pending || r.State == Approved || changed || r.Away != nil
	// Whatever was written is a revision by now, or is not wanted any more.
	r.Written = nil
	if to.Final() || to == Drafting && r.State == Pending && r.Edit == nil {
		r.Refused = nil // it waits for nobody any more, or another draft begins
	}
	if to != Drafting {
		r.Edit = nil
	}
	r.State, r.ExpiresAt, r.Blocked, r.Place = to, expires, nil, NotInLine
	// The notice was sent before. To tell it again redraws it where it stands.
	if open := r.Money().OpenTopUp(); open != nil && to.Final() {
		r.Tell(open.notice(now)) // there is nothing left to grant it for, and its buttons go
	}
	r.touch(now, append(Early{r}.woken(steps), StepShow)...)
}

// touch notes when the request last changed and which jobs the move wakes, each once.
func (r *Request) touch(now time.Time, steps ...Step) {
	r.ChangedAt = now
	for _, s := range steps {
		if !slices.Contains(r.Changes.Jobs, s) {
			r.Changes.Jobs = append(r.Changes.Jobs, s)
		}
	}
}

// say adds a message to the thread that later questions' models read.
func say(r *Request, now time.Time, role Role, text string) {
	r.Changes.Messages = append(r.Changes.Messages, Message{RequestID: r.ID, Role: role, Text: text, At: now})
}

// note adds an event. It keeps a copy of the data: some verbs note the same data for two
// events, or go on adding to it.
func (r *Request) note(now time.Time, actor, kind string, data map[string]any) {
	r.Changes.Events = append(r.Changes.Events, Event{At: now, Actor: actor, Kind: kind, Data: maps.Clone(data)})
}

// Illegal is the error of a verb that the state does not allow. Nothing has been changed.
func (r *Request) Illegal(verb string) error { return &MoveError{Request: r, Verb: verb} }
