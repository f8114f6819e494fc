package draw_test

import (
	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/handover"
	"countersign/bot/draw"
	hand "countersign/bot/draw/handover"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
)

// handOvers are all that people see of a thread that is handed to a colleague.
func handOvers(b stand) map[string]*kit.Page {
	at := func(change func(h *approval.HandOver)) *approval.HandOver {
		h := &approval.HandOver{ID: "h2345678", To: slacksim.SecondReviewer, Files: []string{"F1"}, Answers: []string{"bcd23fg", "bcd23fh"}, At: sample.Noon, Until: sample.Noon.Add(approval.HandOverLife)}
		change(h)
		return h
	}
	said := func(to string, change func(h *approval.HandOver)) *kit.Page {
		v := sample.View()
		v.Request.HandOvers = []approval.HandOver{*at(change)}
		return noticed(b, approval.NoticeHandOver, v, to, approval.HandOverOffered{ID: "h2345678"})
	}
	ended := func(verdict approval.HandVerdict) func(h *approval.HandOver) {
		return func(h *approval.HandOver) { h.Verdict, h.Ended = verdict, sample.Noon }
	}
	there := func(h *approval.HandOver) {
		ended(approval.HandAccepted)(h)
		h.Files, h.Answers, h.Into.ID = nil, nil, sample.View().Request.SessionID
	}
	elsewhere := func(h *approval.HandOver) {
		ended(approval.HandAccepted)(h)
		h.Answers, h.Into.ID = nil, "another"
	}
	modal := func(view slack.ModalViewRequest) *kit.Page { return &kit.Page{Blocks: view.Blocks.BlockSet} }
	r := sample.View().Request
	stock := handover.Stock{Alone: true, Questions: 2, Files: r.Files, Answers: []handover.Answer{{Request: "bcd23fg", Question: r.Question}}}
	many := stock
	many.Files = nil
	for i := range 12 {
		many.Files = append(many.Files, approval.File{ID: "F" + string(rune('A'+i)), Name: "one.csv"})
	}
	direct := *r
	direct.Project = "D1"
	pages := map[string]*kit.Page{
		"modal-hand":      modal(hand.OfferView(r, stock, slacksim.SecondReviewer, draw.Origin{Seal: r.ID})),
		"modal-hand-many": modal(hand.OfferView(&direct, many, "", draw.Origin{Seal: r.ID})),
		"modal-handed": modal(hand.CameView(r, []approval.Message{{Role: approval.RoleQuestion, Text: "What were sales?"}, {Role: approval.RoleClarify, Text: "Which year?"}, {Role: approval.RoleClarified, Text: "2025"},
			{Role: approval.RoleCode, Text: "print(1)\n"}, {Role: approval.RoleResult, Text: "a table", Result: &approval.Result{Answer: "Sales were 12."}}, {Role: approval.RoleResult, Text: "a table"}})),
		"modal-handed-gone":    modal(hand.CameView(r, nil)),
		"notice-hand-unknown":  noticed(b, approval.NoticeHandOver, sample.View(), slacksim.SecondReviewer, approval.HandOverOffered{ID: "forged"}),
		"notice-hand-there":    said(slacksim.SecondReviewer, there),
		"notice-hand-taken":    said(slacksim.SecondReviewer, elsewhere),
		"notice-hand-taken-by": said(slacksim.Analyst, elsewhere),
		"offered":              {},
	}
	pages["offered"].Say(hand.Offered(slacksim.SecondReviewer)...)
	for name, verdict := range map[string]approval.HandVerdict{"open": "", "declined": approval.HandDeclined, "withdrawn": approval.HandWithdrawn, "expired": approval.HandExpired} {
		pages["notice-hand-"+name] = said(slacksim.SecondReviewer, ended(verdict))
		pages["notice-hand-"+name+"-by"] = said(slacksim.Analyst, ended(verdict))
	}
	return pages
}
