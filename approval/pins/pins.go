// Package pins knows which files administrators have pinned to a channel, and who may use them.
//
// Its one idea: a pin names a file in Slack and what it holds, by its sha256. The file itself stays in
// Slack, and is read from there whenever somebody asks about it. Another content under the same id is
// not what was pinned, and is refused.
package pins

import (
	"slices"
	"time"

	"countersign/approval"
)

// Pin is a file that an administrator has pinned to a channel.
type Pin struct {
	Team    string
	Project string        // the channel
	File    approval.File // id, name, size and sha256 as it was pinned, and who had uploaded it when
	People  []string      // who may use it; empty: everybody who is in the channel
	By      string
	At      time.Time
}

// Deed is what an administrator does about a pin. Each is an event of the kind.
type Deed struct {
	Pin
	Kind      approval.EventKind // EventPinned, EventUnpinned, EventAcceptedUpload, EventDeclinedUpload
	InsteadOf string             // of an upload: the id of the pinned file that has its name
}

// Standing is a deed's pin, for those after which one stands.
func (d Deed) Standing() bool {
	return d.Kind == approval.EventPinned || d.Kind == approval.EventAcceptedUpload
}

// After says what a deed comes to where these pins stand: nothing, where it is so already; or that it
// cannot be done any more.
func (d Deed) After(standing []Pin) (done bool, err error) {
	had, stands := Find(standing, d.Project, d.File.ID)
	_, old := Find(standing, d.Project, d.InsteadOf)
	there := 0
	for _, p := range standing {
		if p.Project == d.Project {
			there++
		}
	}
	switch {
	case d.Kind == approval.EventUnpinned:
		return !stands, nil
	case d.Kind == approval.EventPinned && stands && had.Same(d.Pin):
		return true, nil
	case d.InsteadOf != "" && !old && stands: // it was accepted a moment ago
		return true, nil
	case d.InsteadOf != "" && !old:
		return false, &approval.InputError{Why: approval.Because(approval.WhyPinGone)}
	case d.Kind == approval.EventPinned && !stands && there >= Most: // what is accepted takes another one's place
		return false, &approval.InputError{Why: approval.Reason{Code: approval.WhyManyPins, Most: Most}}
	}
	return false, nil
}

// Under is the deed as it is done where these pins stand. What is accepted in a pin's place is for the same people: for those
// whom that pin is for under the lock, since somebody may have narrowed it after it was looked at.
func (d Deed) Under(standing []Pin) Deed {
	if old, ok := Find(standing, d.Project, d.InsteadOf); ok && d.Kind == approval.EventAcceptedUpload {
		d.People = old.People
	}
	return d
}

// Most bounds how many files are pinned to one channel: they stand in one modal, and in the form.
const Most = 40

// For tells whether somebody may use a pin, as far as the pin itself says. Of a pin for everybody,
// Slack says who is in the channel.
func (p Pin) For(user string) bool { return len(p.People) == 0 || slices.Contains(p.People, user) }

// Same tells whether two pins say the same of the same file.
func (p Pin) Same(q Pin) bool {
	return p.Project == q.Project && p.File.ID == q.File.ID && p.File.SHA256 == q.File.SHA256 && slices.Equal(p.People, q.People)
}

// Find is the pin of a file in a channel.
func Find(standing []Pin, project, id string) (Pin, bool) {
	at := slices.IndexFunc(standing, func(p Pin) bool { return p.Project == project && p.File.ID == id })
	if at < 0 {
		return Pin{}, false
	}
	return standing[at], true
}

// Bars is why somebody may not use the files of a question in a channel, as far as pins say; none
// where they may. It is asked when a question is asked, at a decision and at the start.
func Bars(files []approval.File, project, asker string, standing []Pin) approval.Reason {
	for _, f := range files {
		p, pinned := Find(standing, f.PinnedIn(project), f.ID)
		switch {
		case !pinned && f.Pinned != "":
			return approval.Reason{Code: approval.WhyUnpinned, Name: f.Name}
		case pinned && !p.For(asker):
			return approval.Reason{Code: approval.WhyPinnedForOthers, Name: f.Name}
		case pinned && f.Pinned != "" && f.SHA256 != "" && f.SHA256 != p.File.SHA256:
			return approval.Reason{Code: approval.WhyPinDiffers, Name: f.Name}
		}
	}
	return approval.Reason{}
}

// Mark notes of the files of a question in a channel which of them are pinned, and where. In a direct message a file may be pinned to several
// channels of its asker: the latest pin counts, since it was made of what the file holds now, where it was edited in between.
func Mark(files []approval.File, project string, standing []Pin) []approval.File {
	files = slices.Clone(files)
	for i := range files {
		f := &files[i]
		if _, pinned := Find(standing, project, f.ID); pinned {
			f.Pinned = project
			continue
		}
		var latest time.Time
		for _, p := range standing {
			if approval.Direct(project) && p.File.ID == f.ID && !p.At.Before(latest) {
				latest, f.Pinned = p.At, p.Project
			}
		}
	}
	return files
}

// Files are those that are pinned, each with where.
func Files(standing []Pin) (files []approval.File) {
	for _, p := range standing {
		p.File.Pinned = p.Project
		files = append(files, p.File)
	}
	return files
}
