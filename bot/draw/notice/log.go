package notice

import (
	"fmt"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// logNotice tells administrators that the log of all events cannot be relied on as it is. A changed
// database and an old copy that was put back look the same from here, so both are named.
// Two alarms say that copies do not arrive (LogStays: the channel, LogLacks: another place), and heal by
// themselves. Three say that histories differ (LogParted, LogForks, LogBack) and need a person. The last one
// says that nothing is signed.
func logNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.LogAlarm](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	switch said.Why {
	case approval.LogStays:
		p.Say(kit.Strong("Checkpoints of the audit log do not reach "), kit.Place(said.Channel), kit.Strong(". "), kit.Words("One has been missing there since "), kit.Moment(said.Since),
			kit.Words(". They are kept in the server's file. Is the channel there still, and am I in it? Home, "), kit.Strong("Audit log"), kit.Words(", chooses another."))
		return p, nil
	case approval.LogLacks:
		p.Say(kit.Strong("Checkpoints of the audit log do not reach "+said.Place+". "), kit.Words("One has been missing there since "), kit.Moment(said.Since),
			kit.Words(". They are kept in the server's file, and follow when it can be reached. "), kit.Mono("countersign doctor"), kit.Words(" says what is wrong."))
		return p, nil
	case approval.LogParted:
		p.Say(kit.Strong("What is kept at "+said.Place+" and the audit log are two histories. "),
			kit.Words("Somebody has changed the one or the other. Nothing more is brought there until you know which. Keep both, and the file of checkpoints; make a pack with "),
			kit.Mono("countersign pack"), kit.Words(" and have it checked with "), kit.Mono("countersign-verify --checkpoint"), kit.Words("."))
		return p, nil
	case approval.LogBack:
		p.Say(kit.Strong("The database was put back from a copy. "), kit.Words("What was open in it has ended, and its askers read why. Nothing that costs money starts until an administrator confirms what was spent since: on my Home, "),
			kit.Strong("Confirm what was spent"), kit.Words(". People, rules and budgets are those of the copy: whoever was removed since is back."))
		return p, nil
	// What to keep comes before what to find out: the file of checkpoints is the evidence.
	case approval.LogForks:
		p.Say(kit.Strong("The audit log does not continue what was signed before. "),
			kit.Words("Somebody has changed the database, or an older copy of it was put back. No checkpoint is made until you know which. Keep the file of checkpoints, make a pack with "),
			kit.Mono("countersign pack"), kit.Words(" and have it checked with "), kit.Mono("countersign-verify"), kit.Words("."))
		return p, nil
	}
	// No reason of its own: time passed without a checkpoint.
	p.Say(kit.Strong("The audit log is late. "), kit.Words("Since "), kit.Words(said.Since.In(with.Calendar).Format("2 January, 15:04")),
		kit.Words(" no checkpoint covers what happens. Look at the log of "), kit.Mono("countersign serve"), kit.Words(": is the queue running, and can the signing key be read?"))
	return p, nil
}

// checkpointNotice is a checkpoint as somebody copies it from Slack and has it checked:
// under a heading the signed note, letter by letter.
func checkpointNotice(_ draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.Checkpoint](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	p.Verbatim([]kit.Part{kit.Strong(fmt.Sprintf("Checkpoint %d", said.Number)), kit.Words(fmt.Sprintf(" of the audit log: %s entries.", kit.Thousands(int(said.Size))))}, said.Note, "", said.Note)
	return p, nil
}
