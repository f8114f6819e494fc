// Package books is for whoever answers for the money: how fast it goes, when a day costs
// far more than it should, and what other rules or other budgets would have changed
// (replay.go). Nothing in here holds or spends.
package books

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// Ledger is what was spent.
type Ledger interface {
	// Teams are the workspaces that have asked something, each with when it first did.
	Teams(ctx context.Context) (map[string]time.Time, error)
	// A day without spending is not among them.
	// Days are what a workspace spent on each day of its calendar, between two midnights.
	Days(ctx context.Context, team string, from, until time.Time) ([]budget.DaySpent, error)
	// Top ranks who or what it was spent on.
	Top(ctx context.Context, team string, by steps.Ranking, from, until time.Time) ([]steps.Spender, error)
}

// Notices are words to administrators.
type Notices interface {
	Notice(ctx context.Context, key string) (*approval.Notice, map[string]steps.NoticePost, error)
	Notify(ctx context.Context, n approval.Notice) error
}

// People knows who is an administrator, and who is that or an auditor.
type People interface {
	Sees(ctx context.Context, team, who string) error
	Administers(ctx context.Context, team, who string, why approval.Reason) error
}

// Books are read by administrators, and watched by a sweep.
type Books struct {
	Ledger  Ledger
	Notices Notices
	People  People
	Past    Past
	Zone    *time.Location // on whose calendar budgets run
}

// looks refuses whoever may not look at what others have spent.
func (b *Books) looks(ctx context.Context, team, actor string) error {
	return b.People.Administers(ctx, team, actor, approval.Reason{Code: approval.WhyAdminsOnly, Name: "look at other people's budgets"})
}

// Pace is how fast a workspace spends this month: for administrators and auditors.
func (b *Books) Pace(ctx context.Context, team, actor string) (budget.Pace, error) {
	if err := b.People.Sees(ctx, team, actor); err != nil {
		return budget.Pace{}, err
	}
	teams, err := b.Ledger.Teams(ctx)
	if err != nil {
		return budget.Pace{}, err
	}
	return b.pace(ctx, team, teams[team], time.Now().In(b.Zone))
}

// Paces are those of all workspaces, for whoever watches the program.
func (b *Books) Paces(ctx context.Context) (map[string]budget.Pace, error) {
	teams, err := b.Ledger.Teams(ctx)
	// The first fault ends it, and what was read until then comes along.
	paces := map[string]budget.Pace{}
	for team, since := range teams {
		if err == nil {
			paces[team], err = b.pace(ctx, team, since, time.Now().In(b.Zone))
		}
	}
	return paces, err
}

// pace reads the month so far, and the week before today where that begins earlier (on the first days of a month).
func (b *Books) pace(ctx context.Context, team string, since, now time.Time) (budget.Pace, error) {
	month, until := budget.Month.Range(now, b.Zone)
	week, _ := budget.Day.Range(now.AddDate(0, 0, -budget.PaceDays), b.Zone)
	if month.Before(week) {
		week = month
	}
	days, err := b.Ledger.Days(ctx, team, week, until)
	if err != nil {
		return budget.Pace{}, err
	}
	if since.IsZero() { // nobody has asked anything
		since = now
	}
	return budget.PaceOf(days, since, now), nil
}

// Alarm tells administrators of a day that costs far more than the same weekday usually
// does: as soon as it does, and once, by all replicas together. Yesterday is looked at as
// well, for what was settled around midnight. A workspace whose ledger cannot be read keeps none of the others from theirs.
func (b *Books) Alarm(ctx context.Context) error {
	teams, err := b.Ledger.Teams(ctx)
	if err != nil {
		return err
	}
	now := time.Now().In(b.Zone)
	var faults []error
	for team, since := range teams {
		faults = append(faults, b.alarm(ctx, team, since.In(b.Zone), now.AddDate(0, 0, -1)), b.alarm(ctx, team, since.In(b.Zone), now))
	}
	return errors.Join(faults...)
}

// alarm tells administrators once of a day that costs far more than the same weekday usually does.
func (b *Books) alarm(ctx context.Context, team string, since, day time.Time) error {
	from, until := budget.Day.Range(day, b.Zone)
	// Weeks are counted on the calendar and not in hours: a week in which clocks change has 167 or 169 of them.
	first, _ := budget.Day.Range(day.AddDate(0, 0, -7*budget.SpikeWeeks), b.Zone)
	days, err := b.Ledger.Days(ctx, team, first, until)
	if err != nil {
		return err
	}
	spike, is := budget.SpikeOf(days, since, day)
	if !is {
		return nil
	}
	// The key is the alarm's name for all replicas; Once has the second of two who look at the same moment write nothing.
	key := fmt.Sprintf("spike %s %s", team, from.Format(time.DateOnly))
	if _, _, err := b.Notices.Notice(ctx, key); !errors.Is(err, approval.ErrNotFound) {
		return err
	}
	said := approval.Spike{Spike: spike}
	for by, list := range map[steps.Ranking]*[]approval.SpentOn{steps.ByPeople: &said.People, steps.ByChannels: &said.Channels} {
		top, err := b.Ledger.Top(ctx, team, by, from, until)
		if err != nil {
			return err
		}
		// Three of each: it is a message, and the rest is one click away.
		for _, s := range top[:min(3, len(top))] {
			*list = append(*list, approval.SpentOn{ID: s.ID, Amount: s.Amount})
		}
	}
	return b.Notices.Notify(ctx, approval.Notice{Key: key, Team: team, Kind: approval.NoticeSpike, Admins: true, Data: approval.Encode(said), At: time.Now().UTC(), Once: true})
}
