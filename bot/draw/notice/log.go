package notice

import (
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// logNotice tells administrators that the log of all events cannot be relied on as it is.
func logNotice(with draw.With, v *steps.NoticeView, _ string) (*kit.Page, error) {
	said, err := read[approval.LogAlarm](v)
	if err != nil {
		return nil, err
	}
	p := &kit.Page{}
	if said.Why == approval.LogForks {
		p.Say(kit.Strong("The audit log does not continue what was signed before. "),
			kit.Words("Somebody has changed the database, or an older copy of it was put back. No checkpoint is made until you know which. Keep the file of checkpoints, make a pack with "),
			kit.Mono("countersign pack"), kit.Words(" and have it checked with "), kit.Mono("countersign-verify"), kit.Words("."))
		return p, nil
	}
	p.Say(kit.Strong("The audit log is late. "), kit.Words("Since "), kit.Words(said.Since.In(with.Calendar).Format("2 January, 15:04")),
		kit.Words(" no checkpoint covers what happens. Look at the log of "), kit.Mono("countersign serve"), kit.Words(": is the queue running, and can the signing key be read?"))
	return p, nil
}
