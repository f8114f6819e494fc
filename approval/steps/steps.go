package steps

import (
	"context"
	"log/slog"
	"time"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/pins"
	"countersign/budget"
)

// Ports are what the steps need of the world.
type Ports struct {
	Store    Store
	Writer   Writer
	Sandbox  Sandbox // NoSandbox where nothing can run code safely
	Slack    Slack
	Receipts Receipts // nil: everybody is told of each of their approvals at once
	Pins     PinPorts
	Habits   habits.Store // nil: nobody is told how people approve
	Log      *slog.Logger
}

// PinPorts are what pinned files need of the world. Without a store nothing is pinned.
type PinPorts struct {
	Store pins.Store
	Slack pins.Slack
}

// Settings are what whoever operates it has set.
type Settings struct {
	Prices   budget.Prices
	Policy   approval.Policy
	Location *time.Location                // on whose calendar budgets run; nil: UTC
	Due      func(now time.Time) time.Time // the latest moment at which a digest was due; nil: there is none
	// Elsewhere tells whether a replica that lives has this sandbox, with this in it; nil: this one is alone.
	Elsewhere func(ctx context.Context, sandbox, template string) (bool, error)
	Unseen    time.Duration // for how long no replica has to have it until none has it any more

	// Early keeps boxes ready while reviewers read; nil: none is made before it is approved.
	Early Early

	// ReceiptsDue is the latest moment at which people were to be told what they have approved;
	// nil: they are told of everything at once.
	ReceiptsDue func(now time.Time) time.Time

	// Libraries are what the boxes have, as one of them has said: "Python 3.13.1", "pandas 2.2.3". None
	// before a box has said it; nil where nobody asks.
	Libraries func() []string
}

// Calendar is whose midnight ends a day.
func (s *Settings) Calendar() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

// libraries are those that a prompt names, as far as a box has said by now.
func (s *Settings) libraries() []string {
	if s.Libraries == nil {
		return nil
	}
	return s.Libraries()
}

// Steps are the use cases, put together for whoever wires the program: each is a
// type of its own with what it calls. They are embedded, so one value has all their methods
// and fits every interface that a handler of bot or a command of cmd declares. Exported
// methods of two of them must therefore never share a name.
type Steps struct {
	Ports
	*Settings

	*Boxes
	*Costs
	*Inputs
	*Asker
	*Clarifier
	*People
	*Authority
	*Ends
	*Decider
	*Watch
	*Drafter
	*Examiner
	*Editor
	*Finder
	*habits.Observer
	*pins.Keeper
	*Reader
	*Lists
	*Offers
	*Payer
	*Presenter
	*Reminder
	*Seals
	*Runner
	*Treasury
	*Sweeper
	*Teller
	*Trail
}

// New puts the steps together.
func New(p Ports, s Settings) *Steps {
	if p.Writer == nil {
		p.Writer = NoWriter{}
	}
	// In the order in which they call one another: what is used stands above who uses it. Settings
	// are one value for all, whose pointer everybody shares.
	boxes := &Boxes{store: p.Store, sandbox: p.Sandbox, log: p.Log}
	costs := &Costs{store: p.Store, writer: p.Writer, sandbox: p.Sandbox, Settings: &s}
	inputs := &Inputs{store: p.Store, slack: p.Slack, sandbox: p.Sandbox, Settings: &s}
	clarifier := &Clarifier{store: p.Store, Settings: &s, costs: costs}
	asker := &Asker{store: p.Store, writer: p.Writer, Settings: &s, boxes: boxes, costs: costs, inputs: inputs, clarifier: clarifier}
	people := &People{store: p.Store, slack: p.Slack, log: p.Log, Settings: &s}
	authority := &Authority{store: p.Store, sandbox: p.Sandbox, slack: p.Slack, Settings: &s, boxes: boxes, people: people}
	ends := &Ends{store: p.Store, log: p.Log, Settings: &s, costs: costs}
	decider := &Decider{store: p.Store, sandbox: p.Sandbox, log: p.Log, Settings: &s, boxes: boxes, costs: costs, ends: ends, people: people}
	keeper := &pins.Keeper{Ports: pins.Ports{Store: p.Pins.Store, Slack: p.Pins.Slack, Most: s.Policy.MaxFileBytes, Admin: people.mayChange, Peek: people.admin, Tables: inputs.readIn}}
	watch := &Watch{store: p.Store, sandbox: p.Sandbox, slack: p.Slack, people: people, pins: keeper}
	reader := &Reader{store: p.Store, Settings: &s, boxes: boxes, costs: costs, ends: ends, inputs: inputs, people: people, watch: watch, pins: keeper}
	drafter := &Drafter{store: p.Store, writer: p.Writer, Settings: &s, boxes: boxes, costs: costs, ends: ends, reader: reader, watch: watch}
	examiner := &Examiner{store: p.Store, sandbox: p.Sandbox, Settings: &s, boxes: boxes, costs: costs, ends: ends, people: people}
	editor := &Editor{store: p.Store, sandbox: p.Sandbox, Settings: &s, boxes: boxes, costs: costs, ends: ends, people: people}
	lists := &Lists{store: p.Store, receipts: p.Receipts, Settings: &s, people: people}
	offers := &Offers{writer: p.Writer, Settings: &s, people: people}
	finder := &Finder{store: p.Store, slack: p.Slack, inputs: inputs, people: people, pins: keeper, offers: offers}
	payer := &Payer{store: p.Store, writer: p.Writer, sandbox: p.Sandbox, log: p.Log, Settings: &s, boxes: boxes, costs: costs, ends: ends, people: people}
	presenter := &Presenter{store: p.Store, slack: p.Slack, log: p.Log, Settings: &s, people: people}
	reminder := &Reminder{store: p.Store, slack: p.Slack, people: people}
	seals := &Seals{store: p.Store, sandbox: p.Sandbox, Settings: &s, costs: costs, ends: ends, inputs: inputs, people: people, pins: keeper}
	stops := &Stops{store: p.Store, sandbox: p.Sandbox, log: p.Log, Settings: &s, costs: costs}
	runner := &Runner{store: p.Store, sandbox: p.Sandbox, slack: p.Slack, log: p.Log, presenter: presenter, Settings: &s, boxes: boxes, costs: costs, ends: ends, inputs: inputs, people: people, seals: seals, stops: stops, watch: watch}
	treasury := &Treasury{store: p.Store, writer: p.Writer, Settings: &s, costs: costs, people: people}
	teller := &Teller{store: p.Store, receipts: p.Receipts, slack: p.Slack, log: p.Log, Settings: &s, people: people, presenter: presenter}
	observer := &habits.Observer{Ports: habits.Ports{Store: p.Habits, Sees: people.Sees, Notify: p.Store.Notify, Teams: p.Store.Teams, Known: teller.said, Due: s.Due}}
	sweeper := &Sweeper{habits: observer, store: p.Store, sandbox: p.Sandbox, log: p.Log, payer: payer, reminder: reminder, treasury: treasury, teller: teller, Settings: &s, pins: keeper}
	trail := &Trail{slack: p.Slack, people: people}
	return &Steps{
		Ports: p, Settings: &s, Boxes: boxes, Costs: costs, Inputs: inputs,
		Asker: asker, Clarifier: clarifier, People: people, Authority: authority, Ends: ends, Decider: decider,
		Watch: watch, Drafter: drafter, Examiner: examiner, Editor: editor, Finder: finder, Observer: observer, Keeper: keeper, Reader: reader, Lists: lists, Offers: offers,
		Payer: payer, Presenter: presenter, Reminder: reminder, Seals: seals, Runner: runner,
		Treasury: treasury, Sweeper: sweeper, Teller: teller, Trail: trail,
	}
}

// lookAgain looks whether a request still rests on what is there: the sandbox that it was sealed for, then all else.
func (s *Steps) lookAgain(ctx context.Context, id string) error {
	if err := s.Outdated(ctx, id); err != nil {
		return err
	}
	return s.Look(ctx, id)
}

// Do runs one step of one request: what a job calls. Only one replica at a time
// is at a step of a request.
func (s *Steps) Do(ctx context.Context, wake Wake) error {
	// StepGoOn is missing on purpose: it names no job, only what a sweep does by itself.
	work := map[approval.Step]func(context.Context, string) error{approval.StepFind: s.Find, approval.StepLook: s.lookAgain, approval.StepRead: s.Read, approval.StepDraft: s.Draft, approval.StepInspect: s.Inspect, approval.StepReady: s.keepReady, approval.StepRun: s.Run, approval.StepShow: s.Show, approval.StepTell: s.Tell}[wake.Step]
	if work == nil {
		s.Log.Error("a job for an unknown step", "step", wake.Step, "request", wake.RequestID)
		return nil
	}
	if wake.Again { // by itself, and also while another replica is at it: that one finds out, and draws once more
		return s.Begun(ctx, wake.RequestID)
	}
	return s.Store.Alone(ctx, wake.RequestID, wake.Step, func(ctx context.Context) error {
		return work(ctx, wake.RequestID)
	})
}
