package slacksim

import (
	"encoding/json"
	"slices"
)

// trouble is what Slack writes over a form whose app did not answer properly.
const trouble = "We had some trouble connecting. Try again?"

// View is a modal or a Home as the JSON API and Person hand it out.
type View struct {
	ID              string         `json:"id"`
	Type            string         `json:"type"`
	Title           any            `json:"title"`
	Submit          any            `json:"submit"`
	Close           any            `json:"close"`
	Blocks          []Block        `json:"blocks"`
	CallbackID      string         `json:"callback_id"`
	PrivateMetadata string         `json:"-"`
	Hash            string         `json:"hash"`
	Depth           int            `json:"depth"`
	State           map[string]any `json:"state"`

	said []Block // the blocks as they were sent, where they are held otherwise
}

// Words is everything that can be read in the view, one piece a line.
func (v View) Words() string {
	title, _ := v.Title.(map[string]any)
	if v.said != nil {
		return text(title, "text") + "\n" + words(v.said)
	}
	return text(title, "text") + "\n" + words(v.Blocks)
}

// topView is the modal that a person sees; those below it wait.
func (s *Sim) topView(user string) *view {
	if stack := s.ws.modals[user]; len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return nil
}

// showView draws a view for the page; nil stays nil.
func (s *Sim) showView(v *view) *View {
	if v == nil {
		return nil
	}
	values, err := s.state(v.blocks(), nil, v.User)
	if err != nil { // nothing was given, so nothing can be refused
		s.log.Error("state of a view", "error", err)
	}
	return &View{
		ID: v.ID, Type: text(v.Body, "type"), Title: v.Body["title"], Submit: v.Body["submit"], Close: v.Body["close"],
		Blocks: orEmpty(v.blocks()), CallbackID: text(v.Body, "callback_id"), PrivateMetadata: text(v.Body, "private_metadata"),
		Hash: v.Hash, Depth: slices.Index(s.ws.modals[v.User], v) + 1, State: map[string]any{"values": values},
		said: v.said,
	}
}

// modal finds an open modal of this person's.
func (s *Sim) modal(as, id string) (*view, error) {
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	for _, v := range s.ws.modals[as] {
		if v.ID == id {
			return v, nil
		}
	}
	return nil, refusal(404, "view_not_found", "That form is not open any more.")
}

// submit sends a form and waits for the app. The map names the fields that the
// form or the app refuses; the modal then stays.
func (s *Sim) submit(as, id string, given map[string]any) (map[string]string, error) {
	s.mu.Lock()
	v, err := s.modal(as, id)
	var values map[string]any
	if err == nil {
		values, err = s.state(v.blocks(), given, as)
	}
	if err == nil && v.Body["submit"] == nil {
		err = refusal(400, "no_submit", "This form has nothing to submit.")
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if broken := complaints(v.blocks(), values); len(broken) > 0 {
		s.mu.Unlock()
		return broken, nil
	}
	payload := s.submitPayload(v, values)
	s.mu.Unlock()
	ack, verdict := s.deliver("interactive", "view_submission "+text(v.Body, "callback_id"), payload)
	if verdict != acknowledged {
		return nil, &Unanswered{Code: codeOf(verdict), Message: trouble}
	}
	return s.submitted(v, ack)
}

// submitted does what the app's acknowledgement says.
func (s *Sim) submitted(v *view, ack json.RawMessage) (map[string]string, error) {
	var body fields
	if len(ack) > 0 && decode(ack, &body) != nil {
		return nil, &Unanswered{Code: "invalid_response", Message: trouble}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	var next *view
	switch action := text(body, "response_action"); action {
	case "":
		s.closeLocked(v, false, false)
		return nil, nil
	case "clear":
		s.closeLocked(v, true, false)
		return nil, nil
	case "errors":
		return s.refusedFields(v, body)
	case "update", "push":
		if next, err = s.newView(body, "modal"); err == nil {
			if action == "update" {
				s.replaceView(v, next)
			} else if err = s.push(v.User, next); err == nil {
				s.announceView(v.User)
			}
		}
	default:
		err = refuse("unknown response_action " + action)
	}
	if err != nil {
		return nil, &Unanswered{Code: "invalid_response", Message: trouble + " (" + err.Error() + ")"}
	}
	return nil, nil
}

// refusedFields reads response_action errors. Each must name an input block of the form.
func (s *Sim) refusedFields(v *view, body fields) (map[string]string, error) {
	out := map[string]string{}
	for block, words := range object(body, "errors") {
		known := slices.ContainsFunc(v.blocks(), func(b Block) bool {
			return text(b, "type") == "input" && text(b, "block_id") == block
		})
		said, _ := words.(string)
		if !known || said == "" {
			return nil, &Unanswered{Code: "invalid_response", Message: trouble + " (errors name no input block " + block + ")"}
		}
		out[block] = said
	}
	if len(out) == 0 {
		return nil, &Unanswered{Code: "invalid_response", Message: trouble + " (no errors given)"}
	}
	return out, nil
}

// closeView dismisses a modal, or all of them.
func (s *Sim) closeView(as, id string, all bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.modal(as, id)
	if err != nil {
		return err
	}
	s.closeLocked(v, all || v.Body["clear_on_close"] == true, true)
	return nil
}

// closeLocked takes a modal, and what lies on it, off the stack. byHand tells
// the app, if it asked to know.
func (s *Sim) closeLocked(v *view, all, byHand bool) {
	stack := s.ws.modals[v.User]
	from := slices.Index(stack, v)
	if from < 0 {
		return
	}
	if all {
		from = 0
	}
	closed := slices.Clone(stack[from:])
	s.ws.modals[v.User] = stack[:from:from]
	s.announceView(v.User)
	for _, c := range closed {
		if byHand && c.Body["notify_on_close"] == true {
			payload := s.closedPayload(c, all)
			s.errandLocked(func() { s.deliver("interactive", "view_closed "+text(c.Body, "callback_id"), payload) })
		}
	}
}
