package pack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Name is what somebody, or a channel, was called in Slack from some time on.
type Name struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// Names puts names beside ids. It remembers which it was asked for: a pack has no names of people who
// are not in it.
//
// A name is the installation's word of the time, as far as it was written down: the id is what
// entries have and decisions name, so the id stands beside it everywhere.
type Names struct {
	all  map[string][]Name
	used map[string]bool
}

// NewNames sorts them by their time.
func NewNames(list []Name) *Names {
	n := &Names{all: map[string][]Name{}, used: map[string]bool{}}
	for _, one := range list {
		n.all[one.ID] = append(n.all[one.ID], one)
	}
	for _, names := range n.all {
		slices.SortStableFunc(names, func(a, b Name) int { return a.Since.Compare(b.Since) })
	}
	return n
}

// Of is what somebody was called at a time, or else first after it; empty where nobody has said.
func (n *Names) Of(id string, at time.Time) (name string) {
	for i, one := range n.all[id] {
		// The first name holds for the time before it, too: an id alone would say less than the name that came a day later.
		if i == 0 || !one.Since.After(at) {
			name = one.Name
		}
	}
	if name != "" {
		n.used[id] = true
	}
	return name
}

// Who is a name with its id, as people read it; the id alone where no name is known.
func (n *Names) Who(id string, at time.Time) string {
	name := n.Of(id, at)
	if name == "" || id == "" {
		return id
	}
	return name + " (" + id + ")"
}

// list are the names that were asked for.
func (n *Names) list() (list []Name) {
	for id := range n.used {
		list = append(list, n.all[id]...)
	}
	slices.SortFunc(list, func(a, b Name) int { return cmp.Or(cmp.Compare(a.ID, b.ID), a.Since.Compare(b.Since)) })
	return list
}

// ID is whoever or whatever is called so, now or once: by an id, or by a part of a name that only one has.
// Capitals do not matter in what was typed; ids of Slack's are in capitals, so one that is unknown is returned
// so.
func (n *Names) ID(said string) (string, error) {
	said = strings.ToLower(strings.TrimLeft(said, "@#"))
	found := map[string]bool{}
	for id, names := range n.all {
		// An id means itself, also where somebody's name holds the same letters.
		if strings.ToLower(id) == said {
			return id, nil
		}
		for _, one := range names {
			if said != "" && strings.Contains(strings.ToLower(one.Name), said) {
				found[id] = true
			}
		}
	}
	ids := slices.Sorted(maps.Keys(found))
	switch {
	case said == "" || len(ids) == 0: // an id that nobody has a name for yet
		return strings.ToUpper(said), nil
	case len(ids) > 1:
		return "", fmt.Errorf("%q may be %s: use one of these ids", said, strings.Join(ids, " or "))
	}
	return ids[0], nil
}
