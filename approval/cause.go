package approval

import "strings"

// Cause is why a question asks back, waits or has ended, where Slack is the reason:
// a code with its facts. What people read is bot's to say.
type Cause struct {
	Code    CauseCode `json:"code"`
	Channel string    `json:"channel,omitempty"`
	Person  string    `json:"person,omitempty"` // whom it is about
	File    string    `json:"file,omitempty"`   // its name
	Files   []File    `json:"files,omitempty"`  // what there is to choose from, the latest first
	By      string    `json:"by,omitempty"`     // who has ended it while it waited for this
}

// CauseCode names a cause.
type CauseCode string

// The causes.
const (
	// Of a channel. They may pass: somebody lets the bot or the asker in again.
	NotIn           CauseCode = "not in channel"    // the bot is not in it
	NotSeen         CauseCode = "channel not seen"  // Slack does not show it to the bot
	ChannelArchived CauseCode = "channel archived"  //
	AskerNotIn      CauseCode = "asker not in it"   // when it was asked; or it is private now, and the asker is not in it
	FileNotSeen     CauseCode = "file not seen"     // Slack does not show it to the bot, at the moment
	FileNotShown    CauseCode = "file not shown"    // Slack does not show it to who asked any more
	FileHidden      CauseCode = "file hidden"       // behind the limit of a free workspace
	FileWithheld    CauseCode = "file withheld"     // Slack shows it to the bot, and does not give its content
	FileGone        CauseCode = "file gone"         // deleted, or not shared any more: for good
	FileNotHere     CauseCode = "file not here"     // it was ticked, and is not in the channel any more
	FileNotYours    CauseCode = "file not yours"    // its thread has read it, and Slack does not show it to who asks now
	NoFile          CauseCode = "no such file"      // nothing in the channel has the name that the question names
	WhichFile       CauseCode = "which file"        // several files, and the words name none
	AskerAlien      CauseCode = "asker not of here" // an app, or of another workspace
	AskerGone       CauseCode = "asker gone"        // deactivated since they asked
	AskerGuest      CauseCode = "asker guest"       // made a guest since they asked
)

// Passes tells whether the cause can go away without a new question.
func (c Cause) Passes() bool {
	switch c.Code {
	// What is not here ends the question: a file that is gone, an asker who has left, or words that name no file.
	case NotIn, NotSeen, ChannelArchived, AskerNotIn, FileNotSeen, FileNotShown, FileHidden, FileWithheld:
		return true
	}
	return false
}

// Same tells whether two causes say the same.
func (c Cause) Same(d Cause) bool {
	return c.Code == d.Code && c.Channel == d.Channel && c.Person == d.Person && c.File == d.File && c.By == d.By
}

// CauseError is a step that cannot go on because of one.
type CauseError struct{ Cause Cause }

func (e *CauseError) Error() string {
	return string(e.Cause.Code) + ": " + e.Cause.Channel + e.Cause.File + e.Cause.Person
}

// Is tells whether another error says the same.
func (e *CauseError) Is(other error) bool {
	o, ok := other.(*CauseError)
	return ok && e.Cause.Same(o.Cause)
}

// Direct tells of a conversation that only its one person reads: Slack's ids of direct messages
// begin with a D.
func Direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// Place is a channel as the bot sees it now.
type Place struct {
	Seen     bool // Slack shows it to the bot at all
	In       bool // the bot is in it; in a direct message it always is
	Archived bool
	Private  bool // only who is in it reads it; a direct message is nobody else's anyway
	AskerIn  bool // whoever was asked about is in it; only known of private ones
	Shared   bool // people of another organisation are in it (Slack Connect)
}

// Cause is what keeps a question of this person's from being answered in a place;
// nil when nothing does.
func (p Place) Cause(channel, asker string) *Cause {
	switch {
	// In this order: of a channel that is not seen nothing else is known, and nobody can invite the bot to one that
	// is archived.
	case !p.Seen:
		return &Cause{Code: NotSeen, Channel: channel}
	case p.Archived:
		return &Cause{Code: ChannelArchived, Channel: channel}
	case !p.In:
		return &Cause{Code: NotIn, Channel: channel}
	case p.Private && !p.AskerIn:
		return &Cause{Code: AskerNotIn, Channel: channel, Person: asker}
	}
	return nil
}
