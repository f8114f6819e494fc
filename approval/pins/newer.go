package pins

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/reading"
)

// Tables is how a content is read in a channel, as far as somebody has asked about it; nil: nobody has.
type Tables func(ctx context.Context, team, project, sha256 string) (*reading.Reading, error)

// Offer is a newer upload of a pinned file's name, for administrators to accept or decline.
type Offer struct {
	Pin    Pin
	Upload Upload
	Same   bool // it holds what the pinned one does
	Change *Change
}

// Change is how an upload's table differs from the pinned one's, its first one. Nil: one of them has not
// been read in this channel.
type Change struct {
	Added, Gone []string // columns
	Rows, Had   int64
}

// Newer are the uploads of pinned names in a channel that came after the pinned ones, for administrators
// alone. Each is read through once: what it holds, and not what it is called, says whether it is another file. One that
// cannot be read stands in the error and is not offered, and hides none of the others: anybody can upload such a one.
func (k *Keeper) Newer(ctx context.Context, click approval.Click, project string) (offers []Offer, err error) {
	if err := k.admin(ctx, click, "pin data"); err != nil {
		return nil, err
	}
	mine, err := k.Pinned(ctx, click.Team, project, click.User)
	if err != nil || len(mine) == 0 || approval.Direct(project) {
		return nil, err
	}
	ups, err := k.Ports.Slack.Uploads(ctx, project)
	if err != nil {
		return nil, err
	}
	declined, err := k.Ports.Store.Declined(ctx, click.Team, project)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, p := range mine {
		// Uploads are the latest of each name, so there is one at most.
		at := slices.IndexFunc(ups, func(up Upload) bool { return p.Older(up.File) })
		if at < 0 || slices.Contains(declined, ups[at].ID) || slices.ContainsFunc(mine, func(q Pin) bool { return q.File.ID == ups[at].ID }) {
			continue
		}
		if ups[at].Size > k.Ports.Most { // it could not be pinned (put)
			continue
		}
		o := Offer{Pin: p, Upload: ups[at]}
		// Slack names no hash of a file, so it is fetched and read through: that a name is the same says nothing.
		if o.Upload.File, err = k.sum(ctx, ups[at].File); err != nil {
			faults = append(faults, err)
			continue
		}
		o.Same = o.Upload.SHA256 == p.File.SHA256
		if o.Change, err = k.change(ctx, p, o.Upload.SHA256); err != nil {
			return nil, err
		}
		offers = append(offers, o)
	}
	return offers, errors.Join(faults...)
}

// Older tells whether a file is a later upload of this pin's name.
func (p Pin) Older(up approval.File) bool {
	return up.ID != p.File.ID && SameName(up.Name, p.File.Name) && up.Shared != nil && (p.File.Shared == nil || !up.Shared.At.Before(p.File.Shared.At)) // Slack tells seconds
}

// Old are the pins that stand since before a moment, by workspace.
func (k *Keeper) Old(ctx context.Context, before time.Time) (map[string][]Pin, error) {
	if k.Ports.Store == nil {
		return nil, nil
	}
	return k.Ports.Store.PinnedBefore(ctx, before)
}

// change compares how both are read, where both have been.
func (k *Keeper) change(ctx context.Context, p Pin, sha256 string) (*Change, error) {
	if k.Ports.Tables == nil {
		return nil, nil
	}
	was, err := k.Ports.Tables(ctx, p.Team, p.Project, p.File.SHA256)
	is, err2 := k.Ports.Tables(ctx, p.Team, p.Project, sha256)
	if err := cmp.Or(err, err2); err != nil || was == nil || is == nil || len(was.Tables) == 0 || len(is.Tables) == 0 {
		return nil, err
	}
	// The first table is the one that load takes where nobody names a sheet.
	a, b := was.Tables[0], is.Tables[0]
	names := func(t reading.Table) (list []string) {
		for _, c := range t.Columns {
			list = append(list, c.Name)
		}
		return list
	}
	without := func(these, those []string) []string {
		return slices.DeleteFunc(slices.Clone(these), func(n string) bool { return slices.Contains(those, n) })
	}
	return &Change{Added: without(names(b), names(a)), Gone: without(names(a), names(b)), Rows: b.Rows, Had: a.Rows}, nil
}
