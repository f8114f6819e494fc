package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/budget"
)

// PriceMissing is what a notice about a price says.
type PriceMissing struct {
	Model   string `json:"model"`             // as the API returned it, or the kind of box
	Asked   string `json:"asked,omitempty"`   // the model that had been asked for
	Box     bool   `json:"box,omitempty"`     // it is a kind of box
	Refused bool   `json:"refused,omitempty"` // nothing was begun; otherwise it was charged at the most
}

// missing tells the administrators, and whoever's question it is, that nobody can
// price something: once a month for each model and kind of box.
func (s *Service) missing(team, asker string, m PriceMissing, now time.Time) Notice {
	m.Box = m.Model == s.Sandbox.Size().Kind
	if m.Asked == m.Model || m.Box {
		m.Asked = ""
	}
	return Notice{Key: fmt.Sprintf("%s %s %s in %s", NoticePrice, team, m.Model, now.UTC().Format("2006-01")), Team: team, Kind: NoticePrice,
		To: []string{asker}, Admins: true, At: now, Data: encode(m), Once: true}
}

// unpriced notes it with a request, if that is what is wrong.
func (s *Service) unpriced(r *Request, err error, refused bool, now time.Time) {
	if unknown := new(budget.UnknownPriceError); errors.As(err, &unknown) {
		r.tell(s.missing(r.Team, r.Asker, PriceMissing{Model: unknown.What, Asked: r.Model, Refused: refused}, now))
	}
}

// boxCharge is what a run's box costs. Where its price has gone since, what was
// agreed is charged, as an estimate, and nothing is left to settle.
func (s *Service) boxCharge(r *Request, used time.Duration, now time.Time) budget.Charge {
	charge, err := s.Prices.BoxCharge(s.Sandbox.Size(), used, now)
	if err != nil {
		s.unpriced(r, err, false, now)
		for _, h := range r.runHolds() {
			r.Settle(h.InFull(now, s.Sandbox.Size().Kind))
		}
	}
	return charge
}

// notifyMissing is unpriced for a question that is refused at once.
func (s *Service) notifyMissing(ctx context.Context, q Question, err error, now time.Time) error {
	unknown := new(budget.UnknownPriceError)
	if !errors.As(err, &unknown) {
		return nil
	}
	return s.Store.Notify(ctx, s.missing(q.Team, q.Asker, PriceMissing{Model: unknown.What, Refused: true}, now))
}
