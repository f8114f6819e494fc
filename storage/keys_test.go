package storage

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/sshkey"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/proof"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return signer, sshkey.Line(signer.PublicKey())
}

// hadKey is a key that somebody registered so long ago.
func (b *bundle) hadKey(t *testing.T, who, line string, age time.Duration) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		at := pg.Micro(time.Now().Add(-age))
		told, err := b.core.notary.AppendEvents(t.Context(), tx, trail.PeopleStream(team), []approval.Event{{At: at, Actor: who, Kind: approval.EventRegisteredKey, Data: map[string]any{"key": line}}})
		if err != nil {
			return err
		}
		if _, err = tx.Exec(t.Context(), `INSERT INTO ssh_keys (team, person, line, named, at, told) VALUES ($1, $2, $3, true, $4, $5)`, team, who, line, at, told); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `WITH n AS (INSERT INTO notices (key, team, kind, recipients, admins, data, at) VALUES ('key ' || $1 || ' ' || $3::bigint, $1, 'key', ARRAY[$2], false, '{}', now()) RETURNING key)
			INSERT INTO notice_posts (key, recipient, channel, ts, shown, begun_at) SELECT key, $2, 'D1', '1.1', '', now() FROM n`, team, who, told)
		return err
	}))
}

// risky is code of high risk before reviewers.
func (b *bundle) risky(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	r := b.ask(t, trigger)
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "small-1", Findings: []approval.Finding{{Level: approval.Danger, Line: 1, Text: "prints"}},
			Manifest: approval.Manifest{Version: 2, Tier: approval.High, Approvals: 1, Policy: "settings", Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent}}, b.policy, now)
	})
}

// asked is what somebody is asked to sign of a decision, as the trail keeps it.
func (b *bundle) asked(t *testing.T, r *approval.Request, who string, signer ssh.Signer, nonce string) approval.Decision {
	t.Helper()
	d := decision(r, who, approval.Approve)
	d.RequestID, d.Click = r.ID, atTerminal(d.Click)
	d.Click.Key, d.Click.Nonce = sshkey.Line(signer.PublicKey()), nonce
	require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{Actor: who, Kind: approval.EventAskedToSign,
		Data: map[string]any{"revision": d.Revision, "digest": d.Digest, "verdict": d.Verdict, "nonce": nonce}}))
	var err error
	d.Click.Signature, err = d.Statement(r.Team).Sign(signer)
	require.NoError(t, err)
	return d
}

func (b *bundle) decides(t *testing.T, d approval.Decision) error {
	t.Helper()
	_, err := b.Update(t.Context(), d.RequestID, func(r *approval.Request, now time.Time) error { return r.Decide(d, budget.Cent, b.policy, now) })
	return err
}

func TestAKeyIsKeptWithItsEventAndItsOwnerIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, line := newKey(t)
	k := review.Key{Team: team, User: "REVA", Line: line}
	for range 2 {
		require.NoError(t, b.SetKey(t.Context(), k, true))
	}
	keys, err := b.Keys(t.Context(), team, "REVA")
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, line, keys[0].Line)
	require.WithinDuration(t, time.Now(), keys[0].At, time.Hour)
	require.False(t, keys[0].Told, "nothing has reached them yet")
	require.NoError(t, b.NoticePosted(t.Context(), steps.NoticePost{Key: "key TEAM 1", Recipient: "REVA"}))
	keys, err = b.Keys(t.Context(), team, "REVA")
	require.NoError(t, err)
	require.False(t, keys[0].Told, "it was only begun")
	require.NoError(t, b.NoticePosted(t.Context(), steps.NoticePost{Key: "key TEAM 1", Recipient: "REVA", Channel: "D1", TS: "1.1"}))
	keys, err = b.Keys(t.Context(), team, "REVA")
	require.NoError(t, err)
	require.True(t, keys[0].Told)
	var in *approval.InputError
	require.ErrorAs(t, b.SetKey(t.Context(), review.Key{Team: team, User: "REVB", Line: line}, true), &in)
	require.Equal(t, approval.WhyKeyTaken, in.Why.Code)
	require.NoError(t, b.SetKey(t.Context(), review.Key{Team: team, User: "REVB", Line: line}, false), "nobody removes another's")
	keys, err = b.Keys(t.Context(), team, "REVA")
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.NoError(t, b.SetKey(t.Context(), k, false))
	require.NoError(t, b.SetKey(t.Context(), review.Key{Team: team, User: "REVB", Line: line}, true), "it is nobody's now")
	require.Equal(t, 3, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'key'`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'key' AND recipients = '{REVA}'`))
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; UPDATE ssh_keys SET at = at - interval '2 days'`)
		return err
	}))
	_, err = AuditorOf(b.DB).House(t.Context())
	require.ErrorContains(t, err, "the key "+line)
	keys, err = b.Keys(t.Context(), team, "REVB")
	require.NoError(t, err)
	require.Empty(t, keys, "no signed event says so")
}

func TestHighRiskByAnotherDoorIsStoredWithItsSignature(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, line := newKey(t)
	b.hadKey(t, "REVA", line, review.KeyAge+time.Hour)
	r := b.risky(t, "t")
	d := b.asked(t, r, "REVA", mine, "nonce-1")
	require.NoError(t, b.decides(t, d))
	r, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, d.Click, r.Decisions[0].Click)
	require.Nil(t, r.BrokenSeal(b.policy))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.NoError(t, b.SetKey(t.Context(), review.Key{Team: team, User: "REVA", Line: line}, false))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err, "a key that was taken back later had signed")
}

func TestProveReviewHighRiskByAnotherDoorIsNotDecidedWithoutTheReviewersKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, line := newKey(t)
	other, otherLine := newKey(t)
	b.hadKey(t, "REVA", line, review.KeyAge+time.Hour)
	b.hadKey(t, "REVB", otherLine, review.KeyAge-time.Hour)
	r := b.risky(t, "t")
	require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{At: time.Now().Add(-time.Hour), Actor: "REVA", Kind: approval.EventAskedToSign,
		Data: map[string]any{"revision": 1, "digest": r.Revision.Digest, "verdict": approval.Approve, "nonce": "old"}}))

	// By the product: refused by the verb, or by the schema where somebody's verb is wrong.
	for what, spoil := range map[string]func(d *approval.Decision){
		"without a signature":      func(d *approval.Decision) { d.Click.Key, d.Click.Nonce, d.Click.Signature = "", "", "" },
		"with another's signature": func(d *approval.Decision) { d.Click.Signature, _ = d.Statement(team).Sign(other) },
		"by a key of nobody's":     func(d *approval.Decision) { *d = b.asked(t, r, "REVC", other, "nonce-c") },
		"by a key that is young":   func(d *approval.Decision) { *d = b.asked(t, r, "REVB", other, "nonce-b") },
		"by a nonce of their own": func(d *approval.Decision) {
			d.Click.Nonce = "mine"
			d.Click.Signature, _ = d.Statement(team).Sign(mine)
		},
		"by a nonce of an hour ago": func(d *approval.Decision) { d.Click.Nonce = "old"; d.Click.Signature, _ = d.Statement(team).Sign(mine) },
	} {
		d := b.asked(t, r, "REVA", mine, "nonce "+what)
		spoil(&d)
		err := b.decides(t, d)
		no, ok := errors.AsType[*approval.NotAllowedError](err)
		proof.Check(t, ok && no.Why.Code == approval.WhyNotSigned, "high risk by another door, "+what+": refused", "%v", err)
	}

	// By SQL, with fitting events: the schema refuses what has no key, no signature or no nonce.
	fill := strings.NewReplacer("ID", "'"+r.ID+"'", "STREAM", "'request:"+r.ID+"'", "SEAL", r.Revision.Digest)
	forge := func(click string) string {
		return strings.ReplaceAll(fill.Replace(forged(testKey.Name(), "'"+noSignature+"'", "STREAM", "REVA", "approved", `concat('{"click":', 'CLICK'::text, ',"digest":"SEAL","revision":1}')`)+`
			INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click) VALUES (ID, 1, 'SEAL', 'ASKER', 'small-1', 'REVA', 'approve', `+forgedAt+`, 'CLICK');
			UPDATE requests SET state = 'approved', told = `+b.lastOf("STREAM")+` WHERE id = ID;
			INSERT INTO holds (id, request_id, team, asker, session_id, project, purpose, amount, at, expires_at)
				SELECT 'forged', id, team, asker, session_id, project, 'run', 10000000, now(), now() + interval '1 hour' FROM requests WHERE id = ID`), "CLICK", click) // last, for a key may spell one of the names
	}
	askedFor := fill.Replace(forged(testKey.Name(), "'"+noSignature+"'", "STREAM", "REVA", "asked to sign", `'{"digest":"SEAL","nonce":"n","revision":1,"verdict":"approve"}'`))
	seat := `{"door":"command line","machine":"m","os_user":"ben"`
	for what, sql := range map[string]string{
		"without a key":       askedFor + forge(seat+`}`),
		"without a signature": askedFor + forge(fmt.Sprintf(`{"door":"command line","key":"%s","machine":"m","nonce":"n","os_user":"ben"}`, line)),
		"with a young key":    askedFor + forge(fmt.Sprintf(`{"door":"command line","key":"%s","machine":"m","nonce":"n","os_user":"ben","signature":"x"}`, otherLine)),
		"that nobody asked":   forge(fmt.Sprintf(`{"door":"command line","key":"%s","machine":"m","nonce":"n","os_user":"ben","signature":"x"}`, line)),
	} {
		err := b.attack(t, sql)
		pg, ok := errors.AsType[*pgconn.PgError](err)
		proof.Check(t, ok && pg.ConstraintName == "decisions_signed", "high risk by another door, forged "+what+": refused", "%v", err)
	}
	_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err, "nothing of it is left")

	// A wrong signature the schema cannot see. It counts for nothing, and the audit names it.
	require.NoError(t, b.attack(t, askedFor+forge(fmt.Sprintf(`{"door":"command line","key":"%s","machine":"m","nonce":"n","os_user":"ben","signature":"x"}`, line))))
	now, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, now.State)
	now.Decisions[0].Unsigned = false // even if serve's key had signed the event
	proof.Check(t, len(now.BrokenSeal(b.policy)) == 1, "a wrong signature runs nothing", "%v", now.BrokenSeal(b.policy))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	proof.Check(t, errors.As(err, new(*trail.ChainError)), "and the audit names its event", "%v", err)
}

// Whoever has serve's key as well signs the event, and cannot sign as the reviewer.
func TestAnAuditNamesHighRiskThatNoKeyOfTheReviewersSigned(t *testing.T) {
	t.Parallel()
	mine, line := newKey(t)
	for want, c := range map[string]struct {
		age   time.Duration
		nonce string
		sign  bool
	}{
		"no key has signed it":                {review.KeyAge + time.Hour, "n", false},
		"its key was not theirs for a day":    {review.KeyAge - time.Hour, "n", true},
		"nobody asked for it a moment before": {review.KeyAge + time.Hour, "m", true},
		"":                                    {review.KeyAge + time.Hour, "n", true},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.hadKey(t, "REVA", line, c.age)
			r := b.risky(t, "t")
			d := b.asked(t, r, "REVA", mine, "n")
			if d.Click.Nonce = c.nonce; c.sign {
				var err error
				d.Click.Signature, err = d.Statement(team).Sign(mine)
				require.NoError(t, err)
			} else {
				d.Click.Signature = "none"
			}
			require.NoError(t, b.exec(t, `ALTER TABLE decisions DISABLE TRIGGER decisions_signed`))
			r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				seal := r.Revision.Manifest.Tier
				r.Revision.Manifest.Tier = approval.Low // their program asks for no signature
				digest := r.Revision.Digest
				r.Revision.Digest = r.Revision.Manifest.Digest()
				d := d
				d.Digest = r.Revision.Digest
				err := r.Decide(d, budget.Cent, b.policy, now)
				r.Revision.Manifest.Tier, r.Revision.Digest = seal, digest
				r.Decisions[0].Digest, r.Changes.Decision.Digest = digest, digest
				for _, e := range r.Changes.Events {
					if _, names := e.Data["digest"]; names {
						e.Data["digest"] = digest
					}
				}
				return err
			})
			_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}

// Several that are registered at once are counted one after the other.
func TestNobodyHasMoreKeysThanTheyMayByRegisteringThemAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan error)
	const more = 4
	for range review.MaxKeys + more {
		_, line := newKey(t)
		go func() { done <- b.SetKey(t.Context(), review.Key{Team: team, User: "REVA", Line: line}, true) }()
	}
	refused := 0
	for range review.MaxKeys + more {
		if err := <-done; err != nil {
			var in *approval.InputError
			require.ErrorAs(t, err, &in)
			require.Equal(t, approval.WhyManyKeys, in.Why.Code)
			refused++
		}
	}
	require.Equal(t, more, refused)
	keys, err := b.Keys(t.Context(), team, "REVA")
	require.NoError(t, err)
	require.Len(t, keys, review.MaxKeys)
}
