package storage

import "strings"

// What the ledger promises, and somebody with a console who tries to break it: tried
// with the others, by TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, ledgerBreaches...) }

var ledgerBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a scope is of a known kind", `INSERT INTO scopes VALUES ('TEAM', 'planet', 'x')`, "scopes_kind_check"},
	{"a workspace's budget is its own", `INSERT INTO scopes VALUES ('TEAM', 'team', 'OTHER')`, "scopes_team"},
	{"one limit per scope", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now()), ('TEAM', 'user', 'ASKER', 2, 'month', 'ADMIN', now())`, "limits_pkey"},
	{"a limit is not negative", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', -1, 'day', 'ADMIN', now())`, "limits_amount_check"},
	{"a limit has a known window", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'year', 'ADMIN', now())`, "limits_per_check"},
	{"a limit was set by somebody", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', '', now())`, "limits_set_by_check"},
	{"a limit has a scope to lock", `INSERT INTO limits VALUES ('TEAM', 'user', 'NEW', 1, 'day', 'ADMIN', now())`, "limits_scope_fkey"},
	{"a limit stays with its scope", `INSERT INTO scopes VALUES ('TEAM', 'user', 'NEW');
		INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now());
		UPDATE limits SET id = 'NEW' WHERE id = 'ASKER'`, "limits_named"},
	{"limits are not emptied", `TRUNCATE limits`, "limits_untruncatable"},

	{"a policy has fields", `INSERT INTO limits VALUES ('TEAM', 'user', 'ASKER', 1, 'day', 'ADMIN', now(), '[]')`, "limits_policy"},
	{"a role is a known one", `INSERT INTO scopes VALUES ('TEAM', 'role', 'kings')`, "scopes_role"},
	{"nothing is held on a role", `ALTER TABLE scopes DISABLE TRIGGER scopes_derived;
		INSERT INTO scopes VALUES ('TEAM', 'role', 'members', 5)`, "scopes_role"},
	{"nothing is paid from a role", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'role', 'members', 'day', '2026-01-01 00:00+00', 5)`, "balances_kind"},
	{"what is approved waits for no money", `UPDATE requests SET blocked = '{}' WHERE id = APPROVED`, "requests_blocked"},
	{"a block has fields", `UPDATE requests SET blocked = '[]' WHERE id = DRAFTING`, "requests_blocked_object"},
	{"a downgrade has fields", `UPDATE requests SET downgraded = '[]' WHERE id = DRAFTING`, "requests_downgraded_object"},
	{"a fallback has fields", `UPDATE requests SET fallback = '[]' WHERE id = DRAFTING`, "requests_fallback_object"},
	{"nobody expects more than is sealed", quoted(`cost_cap + 1`), "revisions_quote"},
	{"nobody expects less than nothing", quoted(`-1`), "revisions_quote"},

	{"a top-up is one", topUp(`'user'`, `5`) + topUp(`'user'`, `5`), "topups_pkey"},
	{"a top-up is for a budget that pays", topUp(`'role'`, `5`), "topups_kind"},
	{"a top-up takes nothing away", topUp(`'user'`, `0`), "topups_amount_check"},
	{"a top-up burdens its own request's budget", `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
		SELECT 'top', id, team, 'REVA', session_id, project, 'team', 5, kept('why'), now() FROM requests WHERE id = DRAFTING`, "topups_payers_fkey"},
	{"a top-up's budget is there to lock", `INSERT INTO sessions (id, team, channel) VALUES ('s', 'TEAM', 'other');
		INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, created_at, changed_at, expires_at)
			VALUES ('new', 's', 'TEAM', 'other', 'ASKER', NULL, '', 'new', 'drafting', now(), now(), now());
		INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
			VALUES ('top', 'new', 'TEAM', 'ASKER', 's', 'other', 'project', 5, kept('why'), now())`, "topups_scope_fkey"},
	{"a request asks for money once at a time", topUp(`'user'`, `5`) + strings.Replace(topUp(`'team'`, `5`), "'top'", "'top2'", 1), "topups_one_open"},
	{"nobody grants themselves money", topUp(`'user'`, `5`) + granted(`'ASKER'`, `now() + interval '1 hour'`), "topups_not_by_asker"},
	{"what is granted ends", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `NULL`), "topups_end"},
	{"what is granted has not ended before", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `now()`), "topups_end"},
	{"what is declined has no end", topUp(`'user'`, `5`) + `UPDATE topups SET decided_by = 'ADMIN', decided_at = now(), expires_at = now()`, "topups_end"},
	{"a decision has its moment", topUp(`'user'`, `5`) + `UPDATE topups SET decided_by = 'ADMIN'`, "topups_decided"},
	{"a top-up is decided once", topUp(`'user'`, `5`) + granted(`'ADMIN'`, `now() + interval '1 hour'`) + granted(`'BOSS'`, `now() + interval '2 hours'`), "topups_decide_once"},
	{"a top-up does not begin granted", `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at, decided_by, decided_at, granted, expires_at)
		SELECT 'top', id, team, asker, session_id, project, 'user', 5, kept('why'), now(), 'ADMIN', now(), true, now() + interval '1 hour' FROM requests WHERE id = DRAFTING`, "topups_decide_once"},
	{"a top-up does not grow", topUp(`'user'`, `5`) + `UPDATE topups SET amount = 6, decided_by = 'ADMIN', decided_at = now()`, "topups_decide_once"},
	{"a top-up is on record", topUp(`'user'`, `5`) + `DELETE FROM topups`, "topups_undeletable"},
	{"top-ups are not emptied", `TRUNCATE topups`, "topups_untruncatable"},

	{"one box at a time waits for reviewers", boxWaits("one") + boxWaits("two"), "holds_one_ready"},
	{"a box that waits has fields", `UPDATE requests SET ready = '[]' WHERE id = DRAFTING`, "requests_ready_object"},
	{"what waits has a hold", `UPDATE requests SET ready_until = now() WHERE id = DRAFTING`, "requests_ready"},
	{"what is over does not wait", `UPDATE requests SET ready_until = now(), ready = '{"hold": "h", "over": "2026-01-01T00:00:00Z"}' WHERE id = DRAFTING`, "requests_ready"},
	{"a hold is not negative", hold(`-1`, `asker`, `now() + interval '1 hour'`), "holds_amount_check"},
	{"a hold burdens its own budget", hold(`1`, `'REVA'`, `now() + interval '1 hour'`), "holds_payers_fkey"},
	{"a hold ends", hold(`1`, `asker`, `now()`), "holds_end"},
	{"a hold does not grow", `UPDATE holds SET amount = amount + 1`, "holds_forward"},
	{"a call does not become undone", `UPDATE holds SET called = false WHERE called`, "holds_forward"},
	{"a hold is not settled without a bill", `UPDATE holds SET settled = true WHERE request_id = DRAFTING`, "holds_forward"},
	{"a hold does not open again", `UPDATE holds SET settled = false WHERE request_id = DONE`, "holds_forward"},
	{"a hold does not begin settled", `INSERT INTO holds SELECT 'new', request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, true FROM holds WHERE request_id = DRAFTING`, "holds_forward"},
	{"a hold is on record", `DELETE FROM holds`, "holds_undeletable"},
	{"calls under a hold risk no more than it", `UPDATE holds SET risked = amount + 1 WHERE NOT settled`, "holds_risked"},
	{"what was not called is not uncertain", `UPDATE holds SET uncertain_at = now() WHERE request_id = DRAFTING`, "holds_uncertain"},
	{"what is uncertain stays so until it is settled", doubt + `UPDATE holds SET uncertain_at = NULL WHERE request_id = DRAFTING`, "holds_forward"},
	{"nothing is uncertain for longer by being called so again", doubt + `UPDATE holds SET uncertain_at = now() + interval '1 hour' WHERE request_id = DRAFTING`, "holds_forward"},
	{"what has been settled was not uncertain afterwards", `UPDATE holds SET uncertain_at = now() WHERE request_id = DONE`, "holds_forward"},
	{"a hold does not begin uncertain", rest("first", `NULL`, `1`, `asker`), "holds_forward"},
	{"a rest is no more than its hold has left", rest("first", bill, `amount`, `asker`), "holds_rest"},
	{"a rest burdens the same budget", rest("first", bill, `1`, `'REVA'`), "holds_rest"},
	{"a rest is of something that was settled", rest("first", `(SELECT id FROM holds WHERE request_id = DRAFTING)`, `1`, `asker`), "holds_rest"},
	{"a rest is of something", rest("first", `'nothing'`, `1`, `asker`), "holds_rest"},
	{"a hold leaves one rest", rest("first", bill, `1`, `asker`) + ";\n" + rest("second", bill, `1`, `asker`), "holds_one_rest"},
	{"the house's own is nobody's", check(`'REVA'`), "holds_check"},
	{"work of a request has one", `INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ('new', 'TEAM', 'countersign', 'countersign', 'countersign', 'draft', 1, now(), now() + interval '1 hour')`, "holds_check"},
	{"a request's work is not the house's", `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'new', id, team, asker, session_id, project, 'check', 1, now(), now() + interval '1 hour' FROM requests WHERE id = DRAFTING`, "holds_check"},
	{"who holds pays, also without a request", `INSERT INTO settlements (hold_id, team, asker, session_id, project, at, amount, estimated)
		SELECT id, team, 'countersign', 'countersign', 'countersign', now(), 0, false FROM holds WHERE request_id = DRAFTING LIMIT 1`, "settlements_hold_fkey"},
	{"the house pays from its own workspace", check(`'countersign'`) + `;
		INSERT INTO settlements (hold_id, team, asker, session_id, project, at, amount, estimated)
		VALUES ('new', 'OTHER', 'countersign', 'countersign', 'countersign', now(), 0, false)`, "settlements_hold_fkey"},
	{"holds are not emptied", `TRUNCATE holds CASCADE`, "holds_untruncatable"},
	{"a hold is settled once", settle(`DONE`, `asker`, `0`), "settlements_pkey"},
	{"a bill is not negative", settle(`DRAFTING`, `asker`, `-1`), "settlements_amount_check"},
	{"who holds pays", settle(`DRAFTING`, `'REVA'`, `0`), "settlements_hold_fkey"},
	{"a bill has its lines", settle(`DRAFTING`, `asker`, `5`), "settlements_add_up"},
	{"a bill is no more than was held", settle(`DRAFTING`, `asker`, `amount + 1`), "settlements_within_hold"},
	{"what the provider's usage told is no estimate", `INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated, usage_of)
		SELECT id, request_id, team, asker, session_id, project, now(), 0, true, '2026-11-27' FROM holds WHERE request_id = DRAFTING LIMIT 1`, "settlements_told"},
	{"a bill gets no line later", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'box', '', 5 FROM settlements LIMIT 1`, "settlements_add_up"},
	{"a balance follows from the ledger", `INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 00:00+00', 5)`, "balances_derived"},
	{"what is held follows from the holds", `UPDATE scopes SET held = held + 1`, "scopes_derived"},
	{"so does all that was ever held", `UPDATE scopes SET taken = taken - 1`, "scopes_derived"},
	{"a hold that was weighed before others took its room is refused", `SELECT holds_weighed('TEAM', 'UASKER', 's', 'c', NULL, NULL, NULL, -1, authority('TEAM'), '-infinity', 'infinity', 0)`, "holds_weighed"},
	{"so is one that was weighed too long ago", `SELECT holds_weighed('TEAM', 'UASKER', 's', 'c', NULL, NULL, NULL, NULL, authority('TEAM'), '-infinity', '-infinity', 0)`, "holds_weighed"},
	{"and one that was weighed later than it is", `SELECT holds_weighed('TEAM', 'UASKER', 's', 'c', NULL, NULL, NULL, NULL, authority('TEAM'), 'infinity', 'infinity', 0)`, "holds_weighed"},
	{"and what rests on something that is not so any more", `SELECT insist(NULL, 'requests_moved')`, "requests_moved"},
	{"a scope does not begin with something held", `INSERT INTO scopes VALUES ('TEAM', 'user', 'NEW', 5)`, "scopes_derived"},
	{"nobody gives back more than is held", `ALTER TABLE scopes DISABLE TRIGGER scopes_derived;
		UPDATE scopes SET held = -1`, "scopes_held"},
	{"a scope keeps its name", `UPDATE scopes SET id = 'NEW' WHERE kind = 'session'`, "scopes_named"},
	{"a scope stays of its kind", `UPDATE scopes SET kind = 'user' WHERE kind = 'session'`, "scopes_named"},
	{"a scope is not deleted", `DELETE FROM scopes WHERE kind = 'session'`, "scopes_undeletable"},
	{"scopes are not emptied", `TRUNCATE scopes CASCADE`, "scopes_untruncatable"},
	{"what was held is given back where it was held", unguarded(`scopes`) + `DELETE FROM scopes WHERE kind = 'session'` + ";\n" + settle(`DRAFTING`, `asker`, `0`), "holds_unburden"},
	{"a balance is not changed", `UPDATE balances SET spent = 0`, "balances_derived"},
	{"a balance is not deleted", `DELETE FROM balances`, "balances_undeletable"},
	{"balances are not emptied", `TRUNCATE balances`, "balances_untruncatable"},
	{"a balance is of a stretch", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 01:00+00', 5)`, "balances_grain"},
	{"a balance has a known grain", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'hour', '2026-01-01 01:00+00', 5)`, "balances_grain"},
	{"a balance is some scope's", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'planet', 'earth', 'day', '2026-01-01 00:00+00', 5)`, "balances_kind"},
	{"a balance is not negative", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances VALUES ('TEAM', 'user', 'ASKER', 'day', '2026-01-01 00:00+00', -5)`, "balances_spent_check"},
	{"a stretch has one balance", `ALTER TABLE balances DISABLE TRIGGER balances_derived;
		INSERT INTO balances SELECT * FROM balances`, "balances_pkey"},
	{"a line is not negative", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'box', '', -5 FROM settlements LIMIT 1`, "charges_amount_check"},
	{"tokens are not negative", `INSERT INTO charges (hold_id, line, kind, what, amount, input_tokens) SELECT hold_id, 9, 'tokens', '', 0, -1 FROM settlements LIMIT 1`, "charges_input_tokens_check"},
	{"a box has both of its sizes", `INSERT INTO charges (hold_id, line, kind, what, amount, vcpu) SELECT hold_id, 9, 'box', '', 0, 2 FROM settlements LIMIT 1`, "charges_size"},
	{"a model has no size", `INSERT INTO charges (hold_id, line, kind, what, amount, vcpu, memory_mb) SELECT hold_id, 9, 'tokens', '', 0, 2, 1024 FROM settlements LIMIT 1`, "charges_size"},
	{"a size is not negative", `INSERT INTO charges (hold_id, line, kind, what, amount, vcpu, memory_mb) SELECT hold_id, 9, 'box', '', 0, -2, -1024 FROM settlements LIMIT 1`, "charges_size"},
	{"a line is for something known", `INSERT INTO charges (hold_id, line, kind, what, amount) SELECT hold_id, 9, 'lunch', '', 0 FROM settlements LIMIT 1`, "charges_kind_check"},
	{"a bill does not change", `UPDATE settlements SET amount = 0`, "settlements_unchangeable"},
	{"a bill is not deleted", `DELETE FROM settlements`, "settlements_unchangeable"},
	{"bills are not emptied", `TRUNCATE settlements CASCADE`, "settlements_untruncatable"},
	{"a line does not change", `UPDATE charges SET amount = 0`, "charges_unchangeable"},
	{"lines are not emptied", `TRUNCATE charges`, "charges_untruncatable"},
}

func hold(amount, payer, expires string) string {
	return `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT 'new', id, team, ` + payer + `, session_id, project, 'draft', ` + amount + `, now(), ` + expires + ` FROM requests WHERE id = DRAFTING`
}

// doubt makes the drafting one's hold uncertain.
const doubt = `UPDATE holds SET called = true, uncertain_at = now() WHERE request_id = DRAFTING` + ";\n"

// bill is the settled hold of the draft of the one that is done.
const bill = `(SELECT id FROM holds WHERE request_id = DONE AND purpose = 'draft' AND rest_of IS NULL)`

func rest(id, of, amount, payer string) string {
	return `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at, called, uncertain_at, rest_of)
		SELECT '` + id + `', request_id, team, ` + payer + `, session_id, project, 'draft', ` + amount + `, now(), now() + interval '1 hour', true, now(), ` + of + `
		FROM holds WHERE request_id = DONE AND purpose = 'draft' AND rest_of IS NULL LIMIT 1`
}

func check(payer string) string {
	return `INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at)
		VALUES ('new', 'TEAM', ` + payer + `, 'countersign', 'countersign', 'check', 1, now(), now() + interval '1 hour')`
}

func quoted(quote string) string {
	return `INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, manifest, digest, at, quote)
		SELECT request_id, 2, code, NULL, 'a', '', manifest, digest, now(), ` + quote + ` FROM revisions WHERE request_id = PENDING`
}

func topUp(kind, amount string) string {
	return `INSERT INTO topups (id, request_id, team, asked_by, session_id, project, kind, amount, reason, at)
		SELECT 'top', id, team, asker, session_id, project, ` + kind + `, ` + amount + `, kept('why'), now() FROM requests WHERE id = DRAFTING` + ";\n"
}

func granted(by, until string) string {
	return `UPDATE topups SET decided_by = ` + by + `, decided_at = now(), granted = true, expires_at = ` + until + ";\n"
}

func settle(request, payer, amount string) string {
	return `INSERT INTO settlements (hold_id, request_id, team, asker, session_id, project, at, amount, estimated)
		SELECT id, request_id, team, ` + payer + `, session_id, project, now(), ` + amount + `, false FROM holds WHERE request_id = ` + request + ` LIMIT 1`
}

// boxWaits is a hold for a box that waits.
func boxWaits(id string) string {
	return `INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
		SELECT '` + id + `', id, team, asker, session_id, project, 'ready', 1, now(), now() + interval '1 hour' FROM requests WHERE id = DRAFTING; `
}
