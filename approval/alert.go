package approval

import (
	"time"

	"countersign/budget"
)

// Threshold is what NoticeThreshold says.
type Threshold struct {
	Standing budget.Standing `json:"standing"`
	Mark     int             `json:"mark"` // per cent
	Person   string          `json:"person,omitempty"`
}

// Stop is what NoticeStop says.
type Stop struct {
	Standing budget.Standing `json:"standing"`
	Needed   budget.USD      `json:"needed"`
	Person   string          `json:"person,omitempty"` // who was refused
}

// Forecast is what NoticeForecast says.
type Forecast struct {
	Standing budget.Standing `json:"standing"`
	At       time.Time       `json:"at"` // when it will be used up at this pace
	Person   string          `json:"person,omitempty"`
}

// TopUpAsked is what NoticeTopUp and NoticeTopUpOutcome say: which top-up. How it
// stands is in the request, View.Request.TopUp(ID).
type TopUpAsked struct {
	ID      string       `json:"id"`
	AskedBy string       `json:"asked_by"`
	Scope   budget.Scope `json:"scope"`
	Amount  budget.USD   `json:"amount"`
	Reason  string       `json:"reason"`
}
