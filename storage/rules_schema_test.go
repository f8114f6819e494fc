package storage

import (
	"strings"

	"countersign/approval"
)

// What rules, people and seals promise, and somebody with a console who tries to
// break it: tried with the others, by TestTheSchemaKeepsItsPromisesAgainstAnybody.
func init() { breaches = append(breaches, ruleBreaches...) }

var ruleBreaches = []struct {
	promise    string
	sql        string
	constraint string
}{
	{"a version of rules exists once", ruled(`'', 1, 1`) + ruled(`'', 1, 1`), "rules_pkey,rules_name"},
	{"versions of rules have no gaps", ruled(`'CHAN', 2, 1`), "rules_follow"},
	{"versions of rules count from one", ruled(`'', 0, 1`), "rules_version"},
	{"rules ask for somebody", ruled(`'', 1, 0`), "rules_approvals"},
	{"rules speak of every tier", `INSERT INTO rules (team, project, version, document, set_by, set_at) VALUES ('TEAM', '', 1, '{"low": {"approvals": 1}}', 'ADMIN', now())`, "rules_approvals"},
	{"a workspace keeps its rules", `INSERT INTO rules (team, project, version, document, set_by, set_at) VALUES ('TEAM', '', 1, NULL, 'ADMIN', now())`, "rules_workspace"},
	{"rules do not change", ruled(`'', 1, 1`) + `UPDATE rules SET document = jsonb_set(document, '{high,approvals}', '9')`, "rules_unchangeable"},
	{"rules are not deleted", ruled(`'', 1, 1`) + `DELETE FROM rules`, "rules_unchangeable"},
	{"rules are not emptied", `TRUNCATE rules`, "rules_untruncatable"},

	{"a role is a known one", named(`'', 'owner'`), "people_role_check"},
	{"nobody is administrator of a channel", named(`'CHAN', 'administrator'`), "people_administrators"},
	{"nobody is auditor of a channel", named(`'CHAN', 'auditor'`), "people_administrators"},
	{"an auditor decides nothing", named(`'', 'auditor'`) + named(`'', 'reviewer'`), "people_one_part"},
	{"who decides is no auditor", named(`'CHAN', 'reviewer'`) + named(`'', 'auditor'`), "people_one_part"},
	{"an auditor has nothing under way", strings.Replace(named(`'', 'auditor'`), "'REVC'", "'ASKER'", 1), "people_auditors_idle"},
	{"an auditor does nothing", named(`'', 'auditor'`) + event(`'new', 1, 'REVC', '{}', repeat('0', 64)`), "events_not_by_auditors"},
	{"an auditor may say that it was not them who broke the glass: then it is the naming that lacks its event", named(`'', 'auditor'`) + strings.ReplaceAll(event(`'new', 1, 'REVC', '{}', repeat('0', 64)`), "'begun'", "'disowned glass'"), "people_told"},
	{"an auditor stops nothing", named(`'', 'auditor'`) + strings.ReplaceAll(event(`'new', 1, 'REVC', '{}', repeat('0', 64)`), "'begun'", "'stopped'"), "events_not_by_auditors"},
	{"an auditor stops nothing that somebody else disowns", named(`'', 'auditor'`) + disowning(`'REVB'`), "events_not_by_auditors"},
	{"an auditor stops what they disown: then it is the naming that lacks its event", named(`'', 'auditor'`) + disowning(`'REVC'`), "people_told"},
	{"who was named stays on record", named(`'', 'reviewer'`) + `UPDATE people SET named = false`, "people_unchangeable"},
	{"who was named is not deleted", named(`'', 'reviewer'`) + `DELETE FROM people`, "people_unchangeable"},
	{"people are not emptied", `TRUNCATE people`, "people_untruncatable"},

	{"a key is of a kind that signs well", keyed(`'REVA', 'ssh-rsa AAAA'`), "ssh_keys_kind"},
	{"a key is one person's", keyed(`'REVA', 'ssh-ed25519 AAAA'`) + keyed(`'REVB', 'ssh-ed25519 AAAA'`), "ssh_keys_of_one"},
	{"a key stays on record", keyed(`'REVA', 'ssh-ed25519 AAAA'`) + `UPDATE ssh_keys SET at = now() - interval '2 days'`, "ssh_keys_unchangeable"},
	{"keys are not emptied", `TRUNCATE ssh_keys`, "ssh_keys_untruncatable"},
	{"high risk by another door is signed", wished(`high`) + strings.Replace(decide(`PENDING`, `2`, digestOf2, `'ASKER'`, `'a'`, `'REVC'`), `'{}'`, `'{"door": "command line", "os_user": "cy", "machine": "m"}'`, 1), "decisions_signed"},
	{"what somebody was asked to sign is one decision", clicked(`'REVB'`, `{"door": "command line", "os_user": "ben", "machine": "m", "nonce": "n"}`) + ";\n" +
		clicked(`'REVC'`, `{"door": "command line", "os_user": "cy", "machine": "m", "nonce": "n"}`), "decisions_one_nonce"},

	{"nobody is their own delegate", delegated(`'REVA', 'REVA', now() + interval '1 day', now()`), "delegations_other"},
	{"a delegate has an end", delegated(`'REVA', 'REVB', NULL, now()`), "delegations_end"},
	{"nobody has no end", delegated(`'REVA', NULL, now() + interval '1 day', now()`), "delegations_end"},
	{"a delegate's end lies ahead", delegated(`'REVA', 'REVB', now() - interval '1 day', now()`), "delegations_end"},
	{"a delegation stays on record", delegated(`'REVA', 'REVB', now() + interval '1 day', now()`) + `UPDATE delegations SET delegate = 'REVC'`, "delegations_unchangeable"},
	{"delegations are not emptied", `TRUNCATE delegations`, "delegations_untruncatable"},

	{"a manifest seals its terms", regrade(`2`, `"version":2`), "revisions_terms"},
	{"a manifest seals a known tier", regrade(`2`, `"version":2,"tier":"none","approvals":1,"policy":"settings"`), "revisions_terms"},
	{"a manifest asks for somebody", regrade(`2`, `"version":2,"tier":"low","approvals":0,"policy":"settings"`), "revisions_terms"},
	{"a manifest names its rules", regrade(`2`, `"version":2,"tier":"low","approvals":1,"policy":""`), "revisions_by_rules"},
	{"a manifest names rules that there are", regrade(`2`, `"version":2,"tier":"low","approvals":1,"policy":"team/7"`), "revisions_by_rules"},
	{"a manifest asks for what its rules ask for", ruled(`'', 1, 2`) + regrade(`2`, `"version":2,"tier":"high","approvals":1,"policy":"team/1"`), "revisions_by_rules"},
	{"a manifest names the rules that hold, not the settings", ruled(`'', 1, 2`) + regrade(`2`, `"version":2,"tier":"high","approvals":9,"policy":"settings"`), "revisions_by_rules"},
	{"a manifest without terms names no rules that hold", ruled(`'', 1, 1`) + regrade(`2`, `"version":1,"policy":null`), "revisions_by_rules"},
	{"a manifest that names the rules has their terms", ruled(`'', 1, 1`) + regrade(`2`, `"version":1,"policy":"team/1"`), "revisions_by_rules"},
	{"a manifest names the latest rules", ruled(`'', 1, 1`) + ruled(`'', 2, 2`) + regrade(`2`, `"version":2,"tier":"low","approvals":1,"policy":"team/1"`), "revisions_by_rules"},
	{"a manifest names the channel's rules before the workspace's", ruled(`'', 1, 1`) + ruled(`'CHAN', 1, 2`) + regrade(`2`, `"version":2,"tier":"low","approvals":1,"policy":"team/1"`), "revisions_by_rules"},
	{"a channel that only has notes follows the workspace's rules", ruled(`'', 1, 2`) + notesOf(`'CHAN'`) + regrade(`2`, `"version":2,"tier":"low","approvals":1,"policy":"CHAN/1"`), "revisions_by_rules"},
	{"a manifest follows its own channel's rules", ruled(`'OTHER', 1, 1`) + regrade(`2`, `"version":2,"tier":"high","approvals":1,"policy":"OTHER/1"`), "revisions_by_rules"},
	{"a manifest names notes that there are", noting(`"C1/1"`, ``, ``), "revisions_by_rules"},
	{"a manifest names its own channel's notes", notesOf(`'OTHER'`) + noting(`"OTHER/1"`, `EUR`, `Net of VAT.`), "revisions_by_rules"},
	{"a manifest seals the words of its notes", notesOf(`'CHAN'`) + noting(`"CHAN/1"`, `EUR`, `Gross.`), "revisions_by_rules"},
	{"a manifest seals the currency of its notes", notesOf(`'CHAN'`) + noting(`"CHAN/1"`, `USD`, `Net of VAT.`), "revisions_by_rules"},
	{"a danger is not sealed as less", graded(`medium`, `danger`), "revisions_tier"},
	{"what asks for care is not sealed as low", graded(`low`, `caution`), "revisions_tier"},
	{"a sealed number of approvals is needed", sealed(3) + `UPDATE requests SET revision = 2 WHERE id = PENDING`, "requests_sealed_quorum"},
	{"nobody lowers a sealed number of approvals", sealed(2) + `UPDATE requests SET revision = 2 WHERE id = PENDING;
		UPDATE requests SET quorum = 1 WHERE id = PENDING`, "requests_sealed_quorum"},

	{"nobody approves what they asked for", wished(`medium`) + decide(`PENDING`, `2`, digestOf2, `'ASKER'`, `'a'`, `'REVB'`), "decisions_not_by_wisher"},
	{"nobody approves what they wrote before", regrade(`2`, `"version":2,"tier":"medium","approvals":1,"policy":"settings"`) + `UPDATE requests SET revision = 2 WHERE id = PENDING` + ";\n" +
		decide(`PENDING`, `2`, digestOf2, `'ASKER'`, `'a'`, `'small-1'`), "decisions_not_by_editor"},
	{"nobody approves what their deputy asked for", delegated(`'REVC', 'REVB', now() + interval '1 day', now()`) + strings.NewReplacer("reason, at, click)", "reason, at, click, in_place_of)", "now(), '{}')", "now(), '{}', 'REVC')").Replace(wished(`high`)) +
		decide(`PENDING`, `2`, digestOf2, `'ASKER'`, `'a'`, `'REVC'`), "decisions_not_by_wisher"},
	{"nobody decides in a place that was not given", inPlace(`'REVA'`), "decisions_delegated"},
	{"nobody decides in a place given to another", delegated(`'REVC', 'REVD', now() + interval '1 day', now()`) + inPlace(`'REVC'`), "decisions_delegated"},
	{"a place that was given ends", delegated(`'REVC', 'REVB', now() - interval '1 day', now() - interval '2 days'`) + inPlace(`'REVC'`), "decisions_delegated"},
	{"a place that was given is taken back", delegated(`'REVC', 'REVB', now() + interval '1 day', now()`) + delegated(`'REVC', NULL, NULL, now()`) + inPlace(`'REVC'`), "decisions_delegated"},
	{"nobody decides in the asker's place", delegated(`'ASKER', 'REVB', now() + interval '1 day', now()`) + inPlace(`'ASKER'`), "decisions_in_place"},
	{"nobody decides in the author's place", delegated(`'small-1', 'REVB', now() + interval '1 day', now()`) + inPlace(`'small-1'`), "decisions_in_place"},
	{"one person has one say", delegated(`'REVA', 'REVB', now() + interval '1 day', now()`) + inPlace(`'REVA'`), "decisions_one_voice"},
}

// digestOf2 is that of the second revision of PENDING.
const digestOf2 = `(SELECT digest FROM revisions WHERE request_id = PENDING AND number = 2)`

// wished is a second revision of PENDING, of some tier, because REVB wanted another.
func wished(tier string) string {
	return wish(`kept('other columns')`) + regrade(`2`, `"version":2,"tier":"`+tier+`","approvals":1,"policy":"settings"`) + `UPDATE requests SET revision = 2 WHERE id = PENDING` + ";\n"
}

// notesOf are the first notes of a channel, which say that amounts are net and in euros.
func notesOf(project string) string {
	return `INSERT INTO rules (team, project, version, document, set_by, set_at)
		SELECT 'TEAM', ` + project + `, 1, jsonb_build_object('low', jsonb_build_object('approvals', 1), 'medium', jsonb_build_object('approvals', 1), 'high', jsonb_build_object('approvals', 1),
			'follows', true, 'notes', jsonb_build_object('version', 1, 'currency', 'EUR', 'text', jsonb_build_object('salted_sha256', kept('Net of VAT.')))), 'ADMIN', now();
	`
}

// noting is a second revision of PENDING that names notes.
func noting(version, currency, text string) string {
	return regrade(`2`, `"version":3,"tier":"low","approvals":1,"policy":"settings","notes":{"version":`+version+`,"sha256":"`+approval.Hash([]byte(text))+`","currency":"`+currency+`"}`)
}

// ruled are rules of a channel, in some version, with so many approvals.
func ruled(values string) string {
	return `INSERT INTO rules (team, project, version, document, set_by, set_at)
		SELECT 'TEAM', p, v, jsonb_build_object('low', jsonb_build_object('approvals', n), 'medium', jsonb_build_object('approvals', n), 'high', jsonb_build_object('approvals', n)), 'ADMIN', now()
		FROM (VALUES (` + values + `)) AS r (p, v, n)` + ";\n"
}

func named(role string) string {
	return `INSERT INTO people (team, project, role, person, named, by, at)
		SELECT 'TEAM', p, r, 'REVC', true, 'ADMIN', now() FROM (VALUES (` + role + `)) AS n (p, r)` + ";\n"
}

// disowning has somebody disown a broken glass, and REVC stop the run right after.
func disowning(who string) string {
	return strings.ReplaceAll(event(`'new', 1, `+who+`, '{}', repeat('0', 64)`), "'begun'", "'disowned glass'") + ";\n" +
		strings.ReplaceAll(event(`'new', 2, 'REVC', '{}', (SELECT hash FROM events WHERE stream = 'new')`), "'begun'", "'stopped'")
}

func keyed(values string) string {
	return `INSERT INTO ssh_keys (team, person, line, named, at) VALUES ('TEAM', ` + values + `, true, now())` + ";\n"
}

func delegated(values string) string {
	return `INSERT INTO delegations (team, principal, delegate, until, at) VALUES ('TEAM', ` + values + `)` + ";\n"
}

// regrade is a revision of PENDING whose manifest begins differently.
func regrade(number, terms string) string {
	manifest := `replace(said(manifest), '"version":1', '` + terms + `')`
	return revise(number, `code`, `kept(`+manifest+`)`, `encode(sha256(convert_to(`+manifest+`, 'UTF8')), 'hex')`) + ";\n"
}

// graded is a revision of PENDING with one finding, sealed with a tier.
func graded(tier, level string) string {
	return strings.NewReplacer("summary, author", "summary, findings, author", "NULL, 'a'", `NULL, kept('[{"level": "`+level+`"}]'), 'a'`).
		Replace(regrade(`2`, `"version":2,"tier":"`+tier+`","approvals":1,"policy":"settings"`))
}

func sealed(approvals int) string {
	return regrade(`2`, `"version":2,"tier":"low","approvals":`+string(rune('0'+approvals))+`,"policy":"settings"`)
}

func inPlace(of string) string {
	return `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click, in_place_of)
		VALUES (PENDING, 1, SEAL, 'ASKER', 'small-1', 'REVB', 'approve', now(), '{}', ` + of + `)`
}
