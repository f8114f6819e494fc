// Package guide leads somebody who has never made a Slack app from nothing to settings
// that work: it asks for one thing at a time, tries each answer at once, and says in
// words what is wrong with it.
//
// What it knows by then stands in an env file (0600), which is written after every
// answer. Whoever stops the guide and starts it again is asked only for what is missing:
// everything else is tried once more and taken over. Where there is nobody to ask, what
// is missing is an error that names the flags.
//
// The guide decides what to ask, and in which order. World tries an answer, as `doctor`
// and `serve` would use it. Form asks a person: Terminal, or a test.
package guide

import (
	"context"
	"errors"
)

// World is what answers are tried on. Settings are named as in .env.example.
type World interface {
	// Try tells whether what the settings say by now works: what was found, or what is
	// wrong and what to do. An *Unreached says that nobody has judged it.
	Try(ctx context.Context, what What, settings Settings) (said string, err error)
	// Channels are those that the bot is in and in which code can be reviewed.
	Channels(ctx context.Context, settings Settings) ([]Channel, error)
	// Members are the ids of everybody in a channel.
	Members(ctx context.Context, settings Settings, channel string) ([]string, error)
	// People are those of the workspace who may decide: no guests, no apps, nobody who has left.
	People(ctx context.Context, settings Settings) ([]Person, error)
	// Budget is what the whole team may spend, in words; empty where nobody has said.
	Budget(ctx context.Context, settings Settings) (string, error)
	// SetBudget sets what the team may spend a month. Nobody in Slack has: the trail says that Countersign did.
	SetBudget(ctx context.Context, settings Settings, amount string) (said string, err error)
	// Doctor looks at everything once more and prints what it finds.
	Doctor(ctx context.Context, settings Settings) error
}

// Unreached is a try that came to no verdict: the network failed on the way, or the other side has a problem of its own. The same
// answer may be right, so it is tried again and never thrown away for that.
type Unreached struct{ Err error }

// Error implements error in the words of what failed.
func (e *Unreached) Error() string { return e.Err.Error() }

// Unwrap is what failed.
func (e *Unreached) Unwrap() error { return e.Err }

// unreached tells whether nobody has judged an answer.
func unreached(err error) bool { return errors.As(err, new(*Unreached)) }

// What is a thing that can be tried by itself.
type What string

// What can be tried.
const (
	TheBot       What = "Slack bot token"
	TheApp       What = "Slack app token"
	TheModel     What = "model"
	TheSandbox   What = "sandbox"
	TheChannel   What = "review channel"
	TheReviewers What = "reviewers"
)

// Settings are values by the names that .env.example gives them.
type Settings map[string]string

// Channel is a channel of the workspace.
type Channel struct {
	ID, Name string
	Private  bool
}

// Person is somebody in the workspace, as Slack calls them.
type Person struct {
	ID     string
	Name   string // the full name
	Handle string // what stands after the @
	Admin  bool   // of the workspace
}

// Question is what a person is asked.
type Question struct {
	Title string
	Help  string
	Check func(answer string) error // says in words why an answer will not do; nil: every answer does
}

// Option is one of several answers.
type Option struct{ Value, Label string }

// Form asks a person. Each method waits for an answer, or fails with ErrStopped.
type Form interface {
	Pause(ctx context.Context, q Question) error
	Line(ctx context.Context, q Question, suggested string) (string, error)
	Secret(ctx context.Context, q Question) (string, error)
	Choose(ctx context.Context, q Question, from []Option) (string, error)
	ChooseSome(ctx context.Context, q Question, from []Option, chosen []string) ([]string, error)
}

// ErrStopped is how a person ends the guide before its end. Nothing is lost.
var ErrStopped = errors.New("stopped")
