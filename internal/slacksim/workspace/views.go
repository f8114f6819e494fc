package workspace

import (
	"fmt"
	"slices"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/limits"
)

// View is a modal or a Home as a person sees it.
type View struct {
	ID              string           `json:"id"`
	Type            string           `json:"type"`
	Title           any              `json:"title"`
	Submit          any              `json:"submit"`
	Close           any              `json:"close"`
	Blocks          []blockkit.Block `json:"blocks"`
	CallbackID      string           `json:"callback_id"`
	PrivateMetadata string           `json:"-"`
	Hash            string           `json:"hash"`
	Depth           int              `json:"depth"`
	State           map[string]any   `json:"state"`

	said []blockkit.Block // the blocks as they were sent, where they are held otherwise
}

// Words is everything that can be read in the view, one piece a line.
func (v View) Words() string {
	title, _ := v.Title.(map[string]any)
	if v.said != nil {
		return blockkit.Text(title, "text") + "\n" + blockkit.Words(v.said)
	}
	return blockkit.Text(title, "text") + "\n" + blockkit.Words(v.Blocks)
}

// TopView is the modal that a person sees; those below it wait.
func (s *Workspace) TopView(user string) *StoredView {
	if stack := s.Memory.Modals[user]; len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return nil
}

// ShowView draws a view for the page; nil stays nil.
func (s *Workspace) ShowView(v *StoredView) *View {
	if v == nil {
		return nil
	}
	values := blockkit.InitialState(v.Blocks())
	return &View{
		ID: v.ID, Type: blockkit.Text(v.Body, "type"), Title: v.Body["title"], Submit: v.Body["submit"], Close: v.Body["close"],
		Blocks: OrEmpty(v.Blocks()), CallbackID: blockkit.Text(v.Body, "callback_id"), PrivateMetadata: blockkit.Text(v.Body, "private_metadata"),
		Hash: v.Hash, Depth: slices.Index(s.Memory.Modals[v.User], v) + 1, State: map[string]any{"values": values},
		said: v.Said,
	}
}

// maxStack is how many modals may lie on top of one another.
const maxStack = 3

// StoredView is a modal or a Home. Body is what the app sent, with Slack's defaults.
type StoredView struct {
	ID       string         `json:"id"`
	User     string         `json:"user"`
	Hash     string         `json:"hash"`
	Root     string         `json:"root"`
	Previous string         `json:"previous"`
	Body     map[string]any `json:"body"`

	Said []blockkit.Block // the blocks as they were sent, where they are held otherwise
}

// Blocks are the blocks of the view, as they are held.
func (v *StoredView) Blocks() []blockkit.Block { return blockkit.BlocksIn(v.Body["blocks"]) }

// trigger is the right to open one modal for one person, for three seconds.
type trigger struct {
	user    string
	expires time.Time
	used    bool
}

// Views are the modals that are open and the Homes that were published.
type Views struct {
	*Workspace
	triggers map[string]*trigger
}

// NewViews returns the Views of a workspace, with no modal open.
func NewViews(ws *Workspace) *Views { return &Views{Workspace: ws, triggers: map[string]*trigger{}} }

// NewTrigger makes a trigger_id in Slack's three-part form.
func (s *Views) NewTrigger(user string) string {
	id := fmt.Sprintf("%d.%s.%s", time.Now().UnixMilli(), s.Memory.NextID("")[1:], blockkit.ShortID(s.Memory.NextTS(), 0)+blockkit.ShortID(user, 1))
	now := time.Now()
	for old, t := range s.triggers { // used and expired ones need an answer for a while only
		if now.Sub(t.expires) > time.Minute {
			delete(s.triggers, old)
		}
	}
	s.triggers[id] = &trigger{user: user, expires: now.Add(s.Opts.Timing.Trigger)}
	return id
}

// Exchange uses up a trigger and returns its user.
func (s *Views) Exchange(id string) (string, error) {
	t := s.triggers[id]
	switch {
	case id == "":
		return "", Refuse("invalid_arguments", "[ERROR] missing required field: trigger_id")
	case t == nil:
		return "", Refuse("invalid_trigger_id")
	case t.used:
		return "", Refuse("exchanged_trigger_id")
	case time.Now().After(t.expires):
		return "", Refuse("expired_trigger_id")
	}
	t.used = true
	return t.user, nil
}

// NewView checks a view and gives it an identity.
func (s *Views) NewView(from Source, kind string) (*StoredView, error) {
	var body map[string]any
	if !from.Has("view") {
		return nil, Refuse("invalid_arguments", "[ERROR] missing required field: view")
	}
	if err := from.Into("view", &body); err != nil || body == nil {
		return nil, Refuse("invalid_arguments", "[ERROR] view is not an object")
	}
	if err := limits.View(body, kind, s.PictureOf); err != nil {
		return nil, Refused(err)
	}
	v := &StoredView{ID: s.Memory.NextID("V"), Body: body}
	v.Said = s.Rewriting.Settle(v.Blocks(), v.ID)
	for _, key := range []string{"title", "submit", "close"} {
		if s.Rewriting.On() {
			s.Rewriting.Rewriter().Fields(body[key])
		}
		blockkit.Flag(body[key])
	}
	s.rehash(v)
	return v, nil
}

// rehash marks a view as changed, for those who update it with the hash they know.
func (s *Views) rehash(v *StoredView) {
	ts := s.Memory.NextTS()
	v.Hash = ts + "." + blockkit.ShortID(ts, 7)
}

// Push opens a modal on top of the open ones.
func (s *Views) Push(user string, v *StoredView) error {
	stack := s.Memory.Modals[user]
	switch {
	case len(stack) == 0:
		return Refuse("not_found")
	case len(stack) >= maxStack:
		return Refuse("push_limit_reached")
	}
	v.User, v.Root, v.Previous = user, stack[0].ID, stack[len(stack)-1].ID
	s.Memory.Modals[user] = append(stack, v)
	return nil
}

// ViewBy finds an open modal or a Home by id or external_id.
func (s *Views) ViewBy(id, external string) *StoredView {
	same := func(v *StoredView) bool {
		return v.ID == id || external != "" && blockkit.Text(v.Body, "external_id") == external
	}
	for _, stack := range s.Memory.Modals {
		for _, v := range stack {
			if same(v) {
				return v
			}
		}
	}
	for _, v := range s.Memory.Homes {
		if same(v) {
			return v
		}
	}
	return nil
}

// ReplaceView changes a view in place: the id stays, the hash does not.
func (s *Views) ReplaceView(v, next *StoredView) {
	v.Body, v.Hash, v.Said = next.Body, next.Hash, next.Said
	if blockkit.Text(v.Body, "type") == "home" {
		s.AnnounceHome(v.User)
		return
	}
	s.AnnounceView(v.User)
}

// WireView writes a view as the Web API and payloads do. Without values, the
// state is empty, as in the answer of views.open.
func (s *Workspace) WireView(v *StoredView, values map[string]any) Body {
	if values == nil {
		values = map[string]any{}
	}
	orNil := func(id string) any {
		if id == "" {
			return nil
		}
		return id
	}
	body := v.Body
	return Body{
		"id": v.ID, "team_id": s.Memory.Team.ID, "type": blockkit.Text(body, "type"), "blocks": v.Blocks(),
		"private_metadata": blockkit.Text(body, "private_metadata"), "callback_id": blockkit.Text(body, "callback_id"),
		"external_id": blockkit.Text(body, "external_id"), "state": Body{"values": values}, "hash": v.Hash,
		"title": body["title"], "close": body["close"], "submit": body["submit"],
		"clear_on_close": body["clear_on_close"] == true, "notify_on_close": body["notify_on_close"] == true,
		"root_view_id": orNil(v.Root), "previous_view_id": orNil(v.Previous),
		"app_id": s.App.ID, "app_installed_team_id": s.Memory.Team.ID, "bot_id": s.BotID,
	}
}
