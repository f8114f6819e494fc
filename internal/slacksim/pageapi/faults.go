package pageapi

import (
	"net/http"
	"slices"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
)

// faultOrder is the body of POST /sim/faults.
type faultOrder struct {
	Method *struct {
		Name       string  `json:"name"`
		Status     int     `json:"status"`
		RetryAfter float64 `json:"retry_after"`
		Error      string  `json:"error"`
		Channel    string  `json:"channel"`
		Kind       string  `json:"kind"`
		Holds      string  `json:"holds"`
		Longer     int     `json:"longer"`
		DelayMS    int     `json:"delay_ms"`
		Hang       bool    `json:"hang"`
		Cut        bool    `json:"cut"`
		After      bool    `json:"after"`
		Times      int     `json:"times"`
	} `json:"method"`
	DropAcks         *int   `json:"drop_acks"`
	DelayAcksMS      *int   `json:"delay_acks_ms"`
	Duplicate        *int   `json:"duplicate"`
	DelayEnvelopesMS *int   `json:"delay_envelopes_ms"`
	Reorder          bool   `json:"reorder"`
	HalfOpen         bool   `json:"half_open"`
	RefuseSockets    *bool  `json:"refuse_sockets"`
	Disconnect       string `json:"disconnect"`
	Close            int    `json:"close"`
	Rewrite          []int  `json:"rewrite"`
	RewriteSeed      uint64 `json:"rewrite_seed"`
	Mend             string `json:"mend"`
	Clear            bool   `json:"clear"`
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// postFaults clears first, so that one call can replace all faults by others.
func (s *API) postFaults(_ *http.Request, o *order) (any, error) {
	var f faultOrder
	if err := blockkit.Decode(o.raw, &f); err != nil {
		return nil, person.Refuse(400, "bad_json", "The body is not the JSON that is expected: %v.", err)
	}
	if f.Clear {
		s.Heal()
	}
	if f.Mend != "" {
		s.Mend(f.Mend)
	}
	if m := f.Method; m != nil {
		if !slices.Contains(fault.MessageKinds, fault.Kind(m.Kind)) {
			return nil, person.Refuse(400, "unknown_kind", "There is no kind of message called %q.", m.Kind)
		}
		s.Fail(fault.Method{
			Only:   fault.Only{Channel: m.Channel, Kind: fault.Kind(m.Kind), Holds: m.Holds, Longer: m.Longer},
			Method: m.Name, Status: m.Status, RetryAfter: time.Duration(m.RetryAfter * float64(time.Second)), Error: m.Error,
			Delay: millis(m.DelayMS), Hang: m.Hang, Cut: m.Cut, After: m.After, Times: m.Times,
		})
	}
	if f.Rewrite != nil {
		s.Rewrite(f.Rewrite...)
	}
	if f.RewriteSeed != 0 {
		s.RewriteAtRandom(f.RewriteSeed)
	}
	if f.DropAcks != nil {
		s.DropAcks(*f.DropAcks)
	}
	if f.DelayAcksMS != nil {
		s.DelayAcks(millis(*f.DelayAcksMS))
	}
	if f.Duplicate != nil {
		s.Duplicate(*f.Duplicate)
	}
	if f.DelayEnvelopesMS != nil {
		s.DelayEnvelopes(millis(*f.DelayEnvelopesMS))
	}
	if f.RefuseSockets != nil {
		s.RefuseSockets(*f.RefuseSockets)
	}
	if f.Reorder {
		s.Reorder()
	}
	return okay, s.breakSockets(f)
}

// breakSockets does what concerns the connections that are open now.
func (s *API) breakSockets(f faultOrder) error {
	switch f.Disconnect {
	case "":
	case "warning", "refresh_requested", "link_disabled", "too_many_websockets":
		s.Disconnect(f.Disconnect)
	default:
		return person.Refuse(400, "unknown_reason", "Slack disconnects for no such reason as %q.", f.Disconnect)
	}
	if f.HalfOpen {
		s.HalfOpen()
	}
	if f.Close != 0 {
		s.CloseSockets(f.Close)
	}
	return nil
}
