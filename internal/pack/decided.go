package pack

import (
	"fmt"
	"strconv"
	"time"

	"countersign/approval/sshkey"
)

// Decided is what somebody decided, on what, and at which door, as a page shows it.
type Decided struct {
	At                             time.Time
	Who, Verdict, For, Why, Number string
	Door, Digest                   string
	Key                            string   // the print of the SSH key by which they signed it; empty: no key did
	Others                         []string // of a broken glass: who was told at once
	Glass                          bool
	Position                       int64     // of its entry
	Team                           string    // the workspace of the click
	Opened                         time.Time // when they first had all of this version before them; zero: nobody knows of it
	Unopened                       bool      // they never had: all of the request is here
}

// HadOpen says when whoever decided first had all of the code before them, as far as that is on record: that it stayed
// open nobody has seen. A card in a channel shows the code as well, but nobody can tell who has read one.
func (d Decided) HadOpen() string {
	switch {
	case d.Glass && d.Verdict != verdictWords[kindBrokeGlass] || d.Verdict == verdictWords[kindDisowned]:
		return "" // this was said of what had run already
	case d.Unopened && d.Door == "Slack":
		return "no opening of the code by them is on record; the card in Slack shows it as well"
	case d.Unopened:
		return "no opening of the code by them is on record"
	case d.Opened.IsZero():
		return ""
	}
	return "first opened the code " + lasting(d.At.Sub(d.Opened)) + " before"
}

// lasting is how long something took, as people say it.
func lasting(d time.Duration) string {
	for _, unit := range []struct {
		of        time.Duration
		one, more string
	}{{24 * time.Hour, "day", "days"}, {time.Hour, "hour", "hours"}, {time.Minute, "minute", "minutes"}} {
		// From two minutes on in minutes: "1 minute" would hide half of what a hasty approval took.
		if n := int64(d / unit.of); n > 1 || n == 1 && unit.of > time.Minute {
			return several(n, unit.one, unit.more)
		}
	}
	return several(max(0, int64(d/time.Second)), "second", "seconds")
}

// verdictWords are what each kind of event says that somebody has decided.
var verdictWords = map[string]string{kindApproved: "Approved", kindRejected: "Rejected", kindChangesRequested: "Asked for changes", kindDisowned: "Says: this approval was not mine",
	kindBrokeGlass: "Broke the glass: nobody approved this", kindDisownedGlass: "Says: it was not me who broke the glass"}

// decide takes a decision, a broken glass, or a look at one.
func (s *Story) decide(e event, words teller) {
	if e.Kind == kindLookedAtGlass {
		found := "Looked at it, and finds it right"
		if e.fact("fine") != "true" {
			found = "Looked at it, and doubts that it was right"
		}
		s.Decisions = append(s.Decisions, Decided{At: e.At, Who: e.Actor, Verdict: found, Number: e.fact("revision"), Door: "Slack", Glass: true, Position: s.at})
		s.Looks++
		return
	}
	d := Decided{At: e.At, Who: e.Actor, Verdict: verdictWords[e.Kind], Why: words.word(e.Data["reason"]), For: e.fact("in_place_of"), Number: e.fact("revision"), Digest: e.fact("digest"), Door: "Slack", Position: s.at}
	click, _ := e.Data["click"].(map[string]any)
	// A click in Slack names no door. Every other door does, with who sat there.
	if d.Team, _ = click["team"].(string); click["door"] != nil {
		d.Door = words.word(click["door"])
		if click["os_user"] != nil {
			d.Door += ", as " + words.word(click["os_user"]) + " on " + words.word(click["machine"])
		}
		if line, is := click["key"].(string); is {
			d.Key = sshkey.Print(line)
		}
	}
	d.Opened = s.opened[e.Actor+" "+d.Number]
	d.Unopened = d.Opened.IsZero() && !s.Before
	// Looks are of one broken glass: those at an earlier one say nothing of this.
	if e.Kind == kindBrokeGlass {
		s.Glass, s.Looks, d.Glass, d.Others = e.Actor, 0, true, words.list(e.Data["others"])
	}
	s.Decisions = append(s.Decisions, d)
}

// Stands is who stands behind what ran, or behind what waits to run.
// The broken glass goes before approvals, since those of an earlier version may be in the story as well.
func (s *Story) Stands(names *Names) string {
	if s.Glass != "" {
		return "nobody approved it: " + names.Who(s.Glass, s.At) + " broke the glass"
	}
	if who := s.by("Approved", names); who != "" {
		return "approved by " + who
	}
	if who := s.by("Rejected", names); who != "" {
		return "rejected by " + who
	}
	return "approved by nobody"
}

// Looked says who has looked at a broken glass.
func (s *Story) Looked() string {
	switch s.Looks {
	case 0:
		return "no administrator has looked at it since"
	case 1:
		return "one administrator of two has looked at it since"
	}
	return strconv.Itoa(s.Looks) + " administrators have looked at it since"
}

// signed checks the signature that a decision was given with, where it has one: by just the key that it names, over
// just this decision. Who has that key is said by the events of people.
// It proves that the key signed these very words; that the key was theirs is held against the keyring
// (signatures).
func signed(e event) error {
	click, _ := e.Data["click"].(map[string]any)
	text := func(key string) string { said, _ := click[key].(string); return said }
	// One without the other is no unsigned decision, but a broken one: Verify refuses it.
	if text("key") == "" && text("signature") == "" {
		return nil
	}
	revision, _ := strconv.Atoi(e.fact("revision"))
	return sshkey.Statement{Digest: e.fact("digest"), Nonce: text("nonce"), Person: e.Actor, Request: e.request(), Revision: revision,
		Verdict: verdicts[e.Kind], Workspace: text("team")}.Verify(text("key"), text("signature"))
}

// elsewhere tells whether a decision was given at another door than Slack, and no key has signed it: then who it was is
// the word of whoever sat there.
func elsewhere(e event) bool {
	click, _ := e.Data["click"].(map[string]any)
	return click["door"] != nil && click["key"] == nil
}

// decided is the event of a decision; its row has to say the same.
type decided struct {
	position int64
	at       time.Time
}

// decisions holds each row against its event, and each event against its row. Both ways: a row without
// an event was slipped in, and an event without a row tells of a decision that somebody took away.
func (v *verifier) decisions() error {
	err := v.lines(fileDecisions, func(line []byte) error {
		d, ok := reads[Decision](line)
		if !ok {
			return broken("a decision", "it cannot be read, or is not spelled as decisions are")
		}
		key := fmt.Sprint(d.Request, " ", d.Revision, " ", d.Digest, " ", d.Reviewer, " ", d.Verdict, " ", d.InPlaceOf)
		what := fmt.Sprintf("the decision of %s on version %d of %s", d.Reviewer, d.Revision, d.Request)
		switch event, there := v.entries.decisions[key]; {
		case !there:
			return broken(what, "its event is missing")
		case !d.At.Equal(event.at):
			return broken(what, "entry %d says that it was given at another time", event.position)
		}
		// Each once: a row that stands twice finds no event the second time.
		delete(v.entries.decisions, key)
		return nil
	})
	if err != nil {
		return err
	}
	left := map[string]int64{}
	for what, event := range v.entries.decisions {
		left[what] = event.position
	}
	if what, at := lowest(left); what != "" {
		return broken(fmt.Sprintf("entry %d", at), "the decision that it tells of is missing")
	}
	return nil
}
