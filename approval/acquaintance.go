package approval

import (
	"context"
	"sync"
	"time"
)

// Who somebody is may be a minute old at a click: the start of a run asks again, and
// takes away what was given by somebody who could not give it any more.

// sightLife is how long a look at somebody is good enough for a click.
const sightLife = time.Minute

// acquaintances remembers who was looked at, and when. The zero value knows nobody.
type acquaintances struct {
	mu   sync.Mutex
	seen map[string]sighting // by workspace and person
}

type sighting struct {
	person Person
	at     time.Time
}

// recall is somebody as they were seen a moment ago.
func (a *acquaintances) recall(key string, now time.Time) (Person, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.seen[key]
	return s.person, ok && now.Sub(s.at) < sightLife
}

// meet remembers somebody, and forgets whom nobody has looked at for a while.
func (a *acquaintances) meet(key string, p Person, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[string]sighting{}
	}
	for other, s := range a.seen {
		if now.Sub(s.at) >= sightLife {
			delete(a.seen, other)
		}
	}
	a.seen[key] = sighting{person: p, at: now}
}

// person looks somebody up, now.
func (s *Service) person(ctx context.Context, team, user string) (Person, error) {
	p, err := s.Slack.Person(ctx, team, user)
	if err == nil {
		s.known.meet(team+" "+user, p, time.Now())
	}
	return p, err
}

// sight is somebody as they were at most a minute ago.
func (s *Service) sight(ctx context.Context, team, user string) (Person, error) {
	if p, ok := s.known.recall(team+" "+user, time.Now()); ok {
		return p, nil
	}
	return s.person(ctx, team, user)
}

// ahead begins to look at somebody, unless they were seen a moment ago, while the
// caller reads what else it needs. What comes back waits for the answer.
func (s *Service) ahead(ctx context.Context, team, user string) func() (Person, error) {
	type answer struct {
		person Person
		err    error
		cause  any // of a panic, which is the caller's
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{}
		defer func() {
			if a.cause = recover(); a.cause != nil {
				answers <- a
			}
		}()
		a.person, a.err = s.sight(ctx, team, user)
		answers <- a
	}()
	return func() (Person, error) {
		a := <-answers
		if a.cause != nil {
			panic(a.cause)
		}
		return a.person, a.err
	}
}
