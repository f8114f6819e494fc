package guide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The settings that this file decides, by their names in the env file.
const (
	channelName   = "REVIEW_CHANNEL"
	reviewersName = "REVIEWERS"
	adminsName    = "ADMINS"
)

// knownChannel takes a channel's name or id. Where nobody can be asked it waits until the
// bot is in it: inviting it is something that only a person can do.
func (g *Guide) knownChannel(ctx context.Context) (string, error) {
	word := strings.TrimSpace(g.set[channelName])
	if word == "" {
		return "", &missing{"--channel NAME"}
	}
	is := func(c Channel) bool { return c.ID == word || strings.EqualFold(c.Name, strings.TrimPrefix(word, "#")) }
	if g.Form != nil { // then somebody can say which one it is now: it may be archived, or misspelt
		all, err := g.World.Channels(ctx, g.set)
		if err == nil && !slices.ContainsFunc(all, is) {
			err = errors.New("the bot is not in " + word)
		}
		if err != nil {
			return "", err
		}
	}
	found, err := g.await(ctx, "the bot to be in "+word+": in Slack, type /invite @countersign there", func(all []Channel) bool { return slices.ContainsFunc(all, is) })
	if err != nil {
		return "", err
	}
	return g.take(ctx, found[slices.IndexFunc(found, is)])
}

// take settles on a channel, if code can be reviewed there. Its id is kept and not its name: a channel
// that is renamed keeps its id.
func (g *Guide) take(ctx context.Context, c Channel) (string, error) {
	if _, err := g.World.Try(ctx, TheChannel, g.with(channelName, c.ID)); err != nil {
		return "", err
	}
	g.set[channelName] = c.ID
	return label(c), nil
}

// label is a channel as people see it in Slack's list.
func label(c Channel) string {
	if c.Private {
		return "#" + c.Name + " (private)"
	}
	return "#" + c.Name
}

// askChannel waits until the bot is in some channel, then asks which one is for reviews.
func (g *Guide) askChannel(ctx context.Context) (string, error) {
	g.set[channelName] = "" // whatever it was, it did not work
	all, err := g.World.Channels(ctx, g.set)
	if err == nil && len(all) == 0 {
		fmt.Fprint(g.Out, "\nCode is reviewed in a channel. In Slack, make one for the reviewers (private is fine), and type there: /invite @countersign\n")
		all, err = g.await(ctx, "the bot to be in a channel", func(all []Channel) bool { return len(all) > 0 })
	}
	if err != nil {
		return "", err
	}
	for {
		const again = ""
		var from []Option
		for _, c := range all {
			from = append(from, Option{c.ID, label(c)})
		}
		from = append(from, Option{again, "another one: I have just invited the bot there"})
		said := ""
		id, err := g.Form.Choose(ctx, Question{Title: "In which channel is code reviewed?",
			Help: "These are the channels that the bot is in. For another one, type /invite @countersign there first.",
			Check: func(id string) (err error) {
				if id != again {
					said, err = g.take(ctx, all[slices.IndexFunc(all, func(c Channel) bool { return c.ID == id })])
				}
				return err
			}}, from)
		if err != nil || id != again {
			return said, err
		}
		if all, err = g.World.Channels(ctx, g.set); err != nil {
			return "", err
		}
	}
}

// await looks for channels until there is the right one. It asks Slack again and again: Socket Mode,
// which would tell of an invitation, belongs to serve, and two listeners would share its events.
// g.Wait of zero waits for ever: somebody sits at the terminal and can stop it.
func (g *Guide) await(ctx context.Context, what string, enough func([]Channel) bool) ([]Channel, error) {
	every := g.Every
	if every == 0 {
		every = 2 * time.Second
	}
	var until <-chan time.Time
	if g.Wait > 0 {
		// One timer for all looks: the wait is for the invitation, and not for the next answer of Slack.
		timer := time.NewTimer(g.Wait)
		defer timer.Stop()
		until = timer.C
	}
	for said := false; ; said = true {
		all, err := g.World.Channels(ctx, g.set)
		if err != nil || enough(all) {
			return all, err
		}
		if !said {
			g.say("…", string(TheChannel), "waiting for "+what)
		}
		select {
		case <-ctx.Done():
			return nil, ErrStopped
		case <-until:
			return nil, fmt.Errorf("waited %v for %s", g.Wait, what)
		case <-time.After(every):
		}
	}
}

// knownReviewers takes names, handles and ids.
func (g *Guide) knownReviewers(ctx context.Context) (string, error) {
	return g.knownPeople(ctx, reviewersName, "--reviewers NAME,NAME", func() error {
		_, err := g.World.Try(ctx, TheReviewers, g.set)
		return err
	})
}

// knownAdmins takes names, handles and ids. Whoever is a full member may administer, so nothing else is tried.
func (g *Guide) knownAdmins(ctx context.Context) (string, error) {
	return g.knownPeople(ctx, adminsName, "--admins NAME,NAME", func() error { return nil })
}

// knownPeople turns names into ids, all of them or none: a list that lacks somebody would be a list of
// reviewers that nobody has chosen. What does not fit leaves the setting as it was.
func (g *Guide) knownPeople(ctx context.Context, name, flag string, fit func() error) (string, error) {
	words := g.ids(name)
	if len(words) == 0 {
		return "", &missing{flag}
	}
	all, err := g.World.People(ctx, g.set)
	if err != nil {
		return "", err
	}
	var ids, names []string
	var faults []error
	for _, word := range words {
		p, err := find(all, word)
		if err != nil {
			faults = append(faults, err)
		} else if !slices.Contains(ids, p.ID) {
			ids, names = append(ids, p.ID), append(names, p.Name)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return "", err
	}
	before := g.set[name]
	g.set[name] = strings.Join(ids, ",")
	if err := fit(); err != nil {
		g.set[name] = before
		return "", err
	}
	return strings.Join(names, ", "), nil
}

// find looks somebody up as people say who they mean: an id, a handle, a full name, or
// a first name if it is nobody else's. The surest comes first, so that a handle is never taken for the
// first name of somebody else.
func find(all []Person, word string) (Person, error) {
	same := func(by func(Person) string) (found []Person) {
		for _, p := range all {
			if strings.EqualFold(by(p), strings.TrimPrefix(word, "@")) {
				found = append(found, p)
			}
		}
		return found
	}
	for _, by := range []func(Person) string{
		func(p Person) string { return p.ID },
		func(p Person) string { return p.Handle },
		func(p Person) string { return p.Name },
		func(p Person) string { first, _, _ := strings.Cut(p.Name, " "); return first },
	} {
		switch found := same(by); {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			var which []string
			for _, p := range found {
				which = append(which, p.Name+" (@"+p.Handle+", "+p.ID+")")
			}
			return Person{}, fmt.Errorf("%q can be %s: give the handle or the id", word, strings.Join(which, " or "))
		}
	}
	return Person{}, fmt.Errorf("nobody who may decide is called %q here (guests, apps and people who have left may not)", word)
}

// askReviewers suggests whoever is in the review channel: they see the cards, and most likely were invited for that.
func (g *Guide) askReviewers(ctx context.Context) (string, error) {
	in, err := g.World.Members(ctx, g.set, g.set[channelName])
	if err != nil {
		return "", err
	}
	return g.askPeople(ctx, reviewersName, "Who may approve code?", "Nobody approves their own question, so name two or more. Those in the review channel are marked. Type / to search.", in, func(chosen string) error {
		_, err := g.World.Try(ctx, TheReviewers, g.with(reviewersName, chosen))
		return err
	})
}

// askAdmins suggests the administrators of the Slack workspace. Those of Countersign are others' to choose: they need not be
// the same.
func (g *Guide) askAdmins(ctx context.Context) (string, error) {
	all, err := g.World.People(ctx, g.set)
	if err != nil {
		return "", err
	}
	var suggested []string
	for _, p := range all {
		if p.Admin {
			suggested = append(suggested, p.ID)
		}
	}
	return g.askPeople(ctx, adminsName, "Who sets budgets and rules?", "Administrators of Countersign; they also hear when something is wrong. Type / to search.", suggested, func(string) error { return nil })
}

// askPeople has several people chosen, at least one of them. Those who are suggested stand first: in a workspace of
// hundreds nobody would find the marks.
func (g *Guide) askPeople(ctx context.Context, name, title, help string, suggested []string, fit func(chosen string) error) (string, error) {
	all, err := g.World.People(ctx, g.set)
	if err != nil {
		return "", err
	}
	marked := func(p Person) int {
		if slices.Contains(suggested, p.ID) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Person) int { return marked(a) - marked(b) })
	var from []Option
	for _, p := range all {
		from = append(from, Option{p.ID, p.Name + " (@" + p.Handle + ")"})
	}
	chosen, err := g.Form.ChooseSome(ctx, Question{Title: title, Help: help, Check: func(chosen string) error {
		if chosen == "" {
			return errors.New("choose somebody, with the space bar")
		}
		return fit(chosen)
	}}, from, suggested)
	if err != nil {
		return "", err
	}
	g.set[name] = strings.Join(chosen, ",")
	var names []string
	for _, p := range all {
		if slices.Contains(chosen, p.ID) {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", "), nil
}
