package review

import (
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/sshkey"
)

// Key is an SSH key by which somebody signs what they decide at a terminal. Its owner alone
// registers it, in Slack, and is told of it there.
type Key struct {
	Team string
	User string
	Line string // its one spelling: sshkey.Parse
	At   time.Time
	Told bool // the direct message about it has reached its owner
}

// KeyAge is how old a key has to be: time for its owner to read that it was registered, and
// to say that it was not them.
const KeyAge = 24 * time.Hour

// MaxKeys bounds how many somebody has.
const MaxKeys = 5

// From is when a key begins to count.
func (k Key) From() time.Time { return k.At.Add(KeyAge) }

// ReadKey is what somebody has pasted, as a key of theirs.
func ReadKey(team, user, text string) (Key, error) {
	line, err := sshkey.Parse(text)
	why := approval.Because(approval.WhyBadKey)
	switch {
	case err == nil:
		return Key{Team: team, User: user, Line: line}, nil
	case errors.Is(err, sshkey.ErrPrivate):
		why = approval.Because(approval.WhyPrivateKey)
	case errors.Is(err, sshkey.ErrKind):
		why = approval.Because(approval.WhyKeyKind)
	}
	return Key{}, &approval.InputError{Why: why}
}

// Signs says why a key of somebody's does not sign a decision now. The keys are theirs.
func Signs(keys []Key, line string, now time.Time) approval.Reason {
	at := slices.IndexFunc(keys, func(k Key) bool { return k.Line == line })
	switch {
	case len(keys) == 0:
		return approval.Because(approval.WhyNoKey)
	case at < 0:
		return approval.Because(approval.WhyNotSigned)
	// A key counts once it is a day old and its owner was told of it. Whoever registers one from
	// a stolen session can be found out before they can sign with it.
	case now.Before(keys[at].From()):
		return young(keys[at], now)
	case !keys[at].Told:
		return approval.Because(approval.WhyUntoldKey)
	}
	return approval.Reason{}
}

// Ready are the keys that count by now, or why there are none.
func Ready(keys []Key, now time.Time) (ready []Key, why approval.Reason) {
	for _, k := range keys {
		if k.Told && !now.Before(k.From()) {
			ready = append(ready, k)
		}
	}
	switch {
	case len(ready) > 0:
		return ready, why
	case len(keys) == 0:
		return nil, approval.Because(approval.WhyNoKey)
	}
	// The oldest key is the first that will count, so the person reads what that one still lacks.
	first := slices.MinFunc(keys, func(a, b Key) int { return a.At.Compare(b.At) })
	return nil, Signs(keys, first.Line, now)
}

// young says in how many hours a key will count, at most.
func young(k Key, now time.Time) approval.Reason {
	return approval.Reason{Code: approval.WhyYoungKey, Count: int64((k.From().Sub(now) + time.Hour - 1) / time.Hour)}
}

// Notice tells the owner of a key that it was registered, or removed.
func (k Key) Notice(name string, named bool) approval.Notice {
	said := approval.KeyChanged{Print: sshkey.Print(k.Line)}
	if named {
		said.From = k.From()
	}
	return approval.Notice{Key: name, Team: k.Team, Kind: approval.NoticeKey, To: []string{k.User}, At: k.At, Data: approval.Encode(said)}
}
