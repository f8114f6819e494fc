package person

import (
	"encoding/json"
	"slices"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// trouble is what Slack writes over a form whose app did not answer properly.
const trouble = "We had some trouble connecting. Try again?"

// modal finds an open modal of this person's.
func (s *Acts) modal(as, id string) (*workspace.StoredView, error) {
	if _, err := s.actor(as); err != nil {
		return nil, err
	}
	for _, v := range s.Memory.Modals[as] {
		if v.ID == id {
			return v, nil
		}
	}
	return nil, Refuse(404, "view_not_found", "That form is not open any more.")
}

// Submit sends a form and waits for the app. The map names the fields that the
// form or the app refuses; the modal then stays.
func (s *Acts) Submit(as, id string, given map[string]any) (map[string]string, error) {
	s.Lock()
	v, err := s.modal(as, id)
	var values map[string]any
	if err == nil {
		values, err = s.state(v.Blocks(), given, as)
	}
	if err == nil && v.Body["submit"] == nil {
		err = Refuse(400, "no_submit", "This form has nothing to submit.")
	}
	if err != nil {
		s.Unlock()
		return nil, err
	}
	if broken := blockkit.Complaints(v.Blocks(), values); len(broken) > 0 {
		s.Unlock()
		return broken, nil
	}
	payload := s.payloads.submitPayload(v, values)
	s.Unlock()
	ack, verdict := s.Deliver("interactive", "view_submission "+blockkit.Text(v.Body, "callback_id"), payload)
	if verdict != sockets.Acknowledged {
		return nil, &Unanswered{Code: codeOf(verdict), Message: trouble}
	}
	return s.submitted(v, ack)
}

// submitted does what the app's acknowledgement says.
func (s *Acts) submitted(v *workspace.StoredView, ack json.RawMessage) (map[string]string, error) {
	var body workspace.Fields
	if len(ack) > 0 && blockkit.Decode(ack, &body) != nil {
		return nil, &Unanswered{Code: "invalid_response", Message: trouble}
	}
	s.Lock()
	defer s.Unlock()
	var err error
	var next *workspace.StoredView
	switch action := blockkit.Text(body, "response_action"); action {
	case "":
		s.closeLocked(v, false, false)
		return nil, nil
	case "clear":
		s.closeLocked(v, true, false)
		return nil, nil
	case "errors":
		return s.refusedFields(v, body)
	case "update", "push":
		if next, err = s.NewView(body, "modal"); err == nil {
			if action == "update" {
				s.ReplaceView(v, next)
			} else if err = s.Push(v.User, next); err == nil {
				s.AnnounceView(v.User)
			}
		}
	default:
		err = workspace.Refuse("unknown response_action " + action)
	}
	if err != nil {
		return nil, &Unanswered{Code: "invalid_response", Message: trouble + " (" + err.Error() + ")"}
	}
	return nil, nil
}

// refusedFields reads response_action errors. Each must name an input block of the form.
func (s *Acts) refusedFields(v *workspace.StoredView, body workspace.Fields) (map[string]string, error) {
	out := map[string]string{}
	for block, words := range blockkit.Object(body, "errors") {
		known := slices.ContainsFunc(v.Blocks(), func(b blockkit.Block) bool {
			return blockkit.Text(b, "type") == "input" && blockkit.Text(b, "block_id") == block
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

// CloseView dismisses a modal, or all of them.
func (s *Acts) CloseView(as, id string, all bool) error {
	s.Lock()
	defer s.Unlock()
	v, err := s.modal(as, id)
	if err != nil {
		return err
	}
	s.closeLocked(v, all || v.Body["clear_on_close"] == true, true)
	return nil
}

// closeLocked takes a modal, and what lies on it, off the stack. byHand tells
// the app, if it asked to know.
func (s *Acts) closeLocked(v *workspace.StoredView, all, byHand bool) {
	stack := s.Memory.Modals[v.User]
	from := slices.Index(stack, v)
	if from < 0 {
		return
	}
	if all {
		from = 0
	}
	closed := slices.Clone(stack[from:])
	s.Memory.Modals[v.User] = stack[:from:from]
	s.AnnounceView(v.User)
	for _, c := range closed {
		if byHand && c.Body["notify_on_close"] == true {
			payload := s.payloads.closedPayload(c, all)
			s.ErrandLocked(func() { s.Deliver("interactive", "view_closed "+blockkit.Text(c.Body, "callback_id"), payload) })
		}
	}
}
