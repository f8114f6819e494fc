package pins

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"countersign/approval"
)

// Store keeps pins.
type Store interface {
	// Pins are those that stand in a workspace, in any of its channels.
	Pins(ctx context.Context, team string) ([]Pin, error)
	// PinnedBefore are those that stand since before a moment, by workspace.
	PinnedBefore(ctx context.Context, before time.Time) (map[string][]Pin, error)
	// Declined are uploads that an administrator does not want in the place of a pinned file, by their ids.
	Declined(ctx context.Context, team, project string) ([]string, error)
	// Set stores a deed with its event. What is so already stays so. An upload for a pin that does not
	// stand any more, and one pin too many: *approval.InputError.
	Set(ctx context.Context, d Deed) error
}

// Slack is where files and people are.
type Slack interface {
	// Fetch opens a file of at most limit bytes, as it is now.
	Fetch(ctx context.Context, f approval.File, limit int64) (io.ReadCloser, error)
	// Upload is a data file as Slack shows it now. One that cannot be seen: *approval.CauseError; one that is
	// no data: *approval.InputError.
	Upload(ctx context.Context, id string) (Upload, error)
	// Uploads are the data files that people have put into a channel, of each name the latest.
	Uploads(ctx context.Context, channel string) ([]Upload, error)
	// Within tells whether somebody is in a channel, now. Readers are all who are, but for the app itself.
	Within(ctx context.Context, channel, user string) (bool, error)
	Readers(ctx context.Context, channel string) ([]string, error)
}

// Upload is a file in Slack, and the channels in which it stands.
type Upload struct {
	approval.File
	Places []string
}

// Ports are what a Keeper needs of the world.
type Ports struct {
	Store  Store // nil: nothing is pinned
	Slack  Slack
	Most   int64                                                              // bytes that a file has at most
	Admin  func(ctx context.Context, click approval.Click, what string) error // refuses whoever is no administrator, and notes it
	Peek   func(ctx context.Context, click approval.Click, what string) error // the same for a look, which is no try
	Tables Tables                                                             // what is known of a content in a channel
}

// Keeper is what people do with pins, and what is asked of them. Without a store nothing is pinned.
type Keeper struct{ Ports Ports }

// admin refuses whoever is no administrator.
func (k *Keeper) admin(ctx context.Context, click approval.Click, what string) error {
	if k.Ports.Store == nil || k.Ports.Admin == nil {
		return &approval.NotAllowedError{Who: click.User, Why: approval.Reason{Code: approval.WhyAdminsOnly, Name: what}}
	}
	return k.Ports.Admin(ctx, click, what)
}

// MayPin tells whether somebody may change what is pinned, for what to show them.
func (k *Keeper) MayPin(ctx context.Context, click approval.Click) (bool, error) {
	if k.Ports.Store == nil || k.Ports.Peek == nil {
		return false, nil
	}
	err := k.Ports.Peek(ctx, click, "pin data")
	if _, ok := errors.AsType[*approval.NotAllowedError](err); ok {
		return false, nil
	}
	return err == nil, err
}

// standing are the pins of a workspace. Without a store nothing can be pinned, and nothing is.
func (k *Keeper) standing(ctx context.Context, team string) ([]Pin, error) {
	if k.Ports.Store == nil {
		return nil, nil
	}
	return k.Ports.Store.Pins(ctx, team)
}

// Pinned are the pins of a channel, for a look at what there is; in a direct message those that
// its person may use, from all of their channels.
func (k *Keeper) Pinned(ctx context.Context, team, place, user string) (list []Pin, err error) {
	all, err := k.standing(ctx, team)
	if err != nil {
		return nil, err
	}
	if !approval.Direct(place) {
		return slices.DeleteFunc(slices.Clone(all), func(p Pin) bool { return p.Project != place }), nil
	}
	// Slack is asked once a channel, and not at all for pins that name their people.
	within := map[string]bool{}
	for _, p := range all {
		if !p.For(user) {
			continue
		}
		if _, known := within[p.Project]; !known && len(p.People) == 0 {
			if within[p.Project], err = k.Ports.Slack.Within(ctx, p.Project, user); err != nil {
				return nil, err
			}
		}
		if len(p.People) > 0 || within[p.Project] {
			list = append(list, p)
		}
	}
	return list, nil
}

// Use is somebody who uses files in a place, or reads there what comes of them.
type Use struct {
	Team  string
	Place string // channel or direct message
	Alone bool   // nobody else reads it there: the answer goes to them in private
	User  string
	Files []approval.File
}

// Of is how a request uses its files.
func Of(r *approval.Request) Use {
	return Use{Team: r.Team, Place: r.Project, Alone: r.Private, User: r.Asker, Files: r.Files}
}

// Check is the one place that says whether somebody may use the files of a question in a place now:
// an *approval.InputError says why not. private tells that what comes of them is for this person
// alone: others are in the place who may not use a file of it.
func (k *Keeper) Check(ctx context.Context, u Use) (private bool, err error) {
	all, err := k.standing(ctx, u.Team)
	if err != nil {
		return false, err
	}
	if why := Bars(u.Files, u.Place, u.User, all); !why.None() {
		return false, &approval.InputError{Why: why}
	}
	for _, f := range u.Files {
		p, pinned := Find(all, f.PinnedIn(u.Place), f.ID)
		if !pinned {
			continue
		}
		// In the channel itself whoever asks is there. Elsewhere Slack has to say that they still are.
		if p.Project != u.Place && len(p.People) == 0 {
			switch in, err := k.Ports.Slack.Within(ctx, p.Project, u.User); {
			case err != nil:
				return false, err
			case !in:
				return false, &approval.InputError{Why: approval.Reason{Code: approval.WhyPinnedForOthers, Name: f.Name}}
			}
		}
		others, err := k.others(ctx, p, u.Place)
		if err != nil {
			return false, err
		}
		private = private || others
	}
	return private, nil
}

// others tells whether a place has people who may not use a pin.
func (k *Keeper) others(ctx context.Context, p Pin, place string) (bool, error) {
	// A direct message has one reader, and a pin for everybody is for all readers of its channel.
	if approval.Direct(place) || place == p.Project && len(p.People) == 0 {
		return false, nil
	}
	readers, err := k.Ports.Slack.Readers(ctx, place)
	if err != nil {
		return false, err
	}
	may := p.People
	if len(may) == 0 {
		if may, err = k.Ports.Slack.Readers(ctx, p.Project); err != nil {
			return false, err
		}
	}
	return slices.ContainsFunc(readers, func(who string) bool { return !slices.Contains(may, who) }), nil
}

// InPlace is Check for a question that is answered where it is asked, or to its asker alone. Where others
// would read what they may not, it is refused, with the way to ask it in private.
func (k *Keeper) InPlace(ctx context.Context, u Use) error {
	private, err := k.Check(ctx, u)
	if err != nil || !private || u.Alone {
		return err
	}
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyPinnedPrivate, Name: strings.Join(approval.FileNames(u.pinned()), ", ")}}
}

func (u Use) pinned() []approval.File {
	return slices.DeleteFunc(slices.Clone(u.Files), func(f approval.File) bool { return f.Pinned == "" })
}

// Same refuses a file that is not what was pinned, once it is known what it holds.
func (k *Keeper) Same(ctx context.Context, r *approval.Request, files ...approval.File) error {
	if !slices.ContainsFunc(files, func(f approval.File) bool { return f.Pinned != "" }) {
		return nil
	}
	all, err := k.standing(ctx, r.Team)
	if why := Bars(files, r.Project, r.Asker, all); err == nil && !why.None() {
		err = &approval.InputError{Why: why}
	}
	return err
}

// Pin pins a file of Slack to a channel, for some people or for everybody there. It is read through
// once, so that the pin says what it holds.
func (k *Keeper) Pin(ctx context.Context, click approval.Click, project, id string, people []string) error {
	p := Pin{Project: project, File: approval.File{ID: id}, People: people}
	return k.put(ctx, click, "pin data", Deed{Kind: approval.EventPinned, Pin: p})
}

// Unpin takes a pin away. Questions that rest on it do not start any more.
func (k *Keeper) Unpin(ctx context.Context, click approval.Click, project, id string) error {
	p := Pin{Project: project, File: approval.File{ID: id}}
	return k.do(ctx, click, "unpin data", Deed{Kind: approval.EventUnpinned, Pin: p})
}

// Accept puts a newer upload of the same name in the place of a pinned file, for the same people. seen is the sha256 that
// the upload had when it was offered: what has been changed since, nobody has looked at.
func (k *Keeper) Accept(ctx context.Context, click approval.Click, project, pinned, upload, seen string) error {
	// Before anything is looked up: who may not pin learns nothing about pins.
	if err := k.admin(ctx, click, "pin data"); err != nil {
		return err
	}
	all, err := k.standing(ctx, click.Team)
	if err != nil {
		return err
	}
	p, stands := Find(all, project, pinned)
	if !stands {
		return &approval.InputError{Why: approval.Because(approval.WhyPinGone)}
	}
	return k.put(ctx, click, "pin data", Deed{Kind: approval.EventAcceptedUpload, InsteadOf: pinned,
		Pin: Pin{Project: project, File: approval.File{ID: upload, Name: p.File.Name, SHA256: seen}, People: p.People}})
}

// KeepPin leaves the pinned file where it is: the upload is not offered again.
func (k *Keeper) KeepPin(ctx context.Context, click approval.Click, project, pinned, upload string) error {
	p := Pin{Project: project, File: approval.File{ID: upload}}
	return k.do(ctx, click, "pin data", Deed{Kind: approval.EventDeclinedUpload, InsteadOf: pinned, Pin: p})
}

// put is do for a file that will be pinned: it has to be one that its administrator sees, and is
// read through.
func (k *Keeper) put(ctx context.Context, click approval.Click, what string, d Deed) error {
	if err := k.admin(ctx, click, what); err != nil {
		return err
	}
	if approval.Direct(d.Project) || d.Project == "" {
		return &approval.InputError{Why: approval.Because(approval.WhyPinToChannel)}
	}
	up, err := k.Ports.Slack.Upload(ctx, d.File.ID)
	if err != nil {
		return unseen(err)
	}
	if seen, err := k.sees(ctx, up, click.User, d.Project); err != nil || !seen {
		return cmp.Or(err, error(&approval.InputError{Why: approval.Because(approval.WhyPinUnseen)}))
	}
	// A forged or an old press could name any upload. What takes a pin's place bears its name.
	if d.InsteadOf != "" && !SameName(up.Name, d.File.Name) {
		return &approval.InputError{Why: approval.Because(approval.WhyPinGone)}
	}
	// What Slack says of the size spares a download; Fetch holds the file itself to the same bound.
	if up.Size > k.Ports.Most {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyFileBigger, Name: up.Name, Most: k.Ports.Most}}
	}
	offered := d.File
	if d.File, err = k.sum(ctx, up.File); err != nil {
		return unseen(err)
	}
	if d.InsteadOf != "" && d.File.SHA256 != offered.SHA256 {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyUploadDiffers, Name: d.File.Name}}
	}
	d.People = slices.Compact(slices.Sorted(slices.Values(d.People)))
	return k.do(ctx, click, what, d)
}

// do stores what an administrator does.
func (k *Keeper) do(ctx context.Context, click approval.Click, what string, d Deed) error {
	if err := k.admin(ctx, click, what); err != nil {
		return err
	}
	// Whoever presses, and their workspace: nothing of a form's may take their place.
	d.Team, d.By = click.Team, click.User
	return k.Ports.Store.Set(ctx, d)
}

// sees tells whether an administrator sees a file by themselves: it stands in this channel or in another one
// of theirs, or is their own. The app may see files that they do not.
func (k *Keeper) sees(ctx context.Context, up Upload, user, project string) (bool, error) {
	if up.Shared != nil && up.Shared.By == user {
		return true, nil
	}
	places := slices.Clone(up.Places)
	slices.SortFunc(places, func(a, b string) int { // this channel first: most are there
		switch project {
		case a:
			return -1
		case b:
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, place := range places[:min(mostPlaces, len(places))] {
		if in, err := k.Ports.Slack.Within(ctx, place, user); err != nil || in {
			return in, err
		}
	}
	return false, nil
}

// mostPlaces bounds how many channels are looked at for one file.
const mostPlaces = 20

// sum reads a file through and says what it holds.
func (k *Keeper) sum(ctx context.Context, f approval.File) (approval.File, error) {
	from, err := k.Ports.Slack.Fetch(ctx, f, k.Ports.Most)
	if err != nil {
		return f, err
	}
	defer func() { _ = from.Close() }() // it was only read
	sum := sha256.New()
	if f.Size, err = io.Copy(sum, from); err != nil {
		return f, fmt.Errorf("read %s: %w", f.ID, err)
	}
	f.SHA256, f.Name = hex.EncodeToString(sum.Sum(nil)), approval.Plain(f.Name)
	return f, nil
}

// unseen says in words that a file cannot be pinned which Slack does not show.
func unseen(err error) error {
	if _, ok := errors.AsType[*approval.CauseError](err); ok {
		return &approval.InputError{Why: approval.Because(approval.WhyPinUnseen)}
	}
	return err
}

// SameName tells whether two files are called alike.
func SameName(a, b string) bool { return strings.EqualFold(approval.Plain(a), approval.Plain(b)) }
