package e2b_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

func TestABoxIsMadeShutAndMarked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *e2b.Options) { o.Installation = "sales.eu" })
	id := b.create(t, "req1", "print(1)")
	require.Equal(t, map[string]any{
		"templateID":            "code-interpreter-v1",
		"timeout":               float64(e2b.Lease(limits) / time.Second),
		"allow_internet_access": false,
		"network":               map[string]any{"allowPublicTraffic": false},
		"metadata": map[string]any{
			"countersign_request":      "req1",
			"countersign_installation": "sales.eu",
			"countersign_digest":       sealFor("print(1)").Digest(),
			"countersign_limits":       "1200-1024-8388608-10",
		},
	}, b.e2b.Box(id).Asked)
}

func TestHostsThatASealNamesAreTheOnlyOnesLetOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seal := sealFor("print(1)")
	seal.Network = []string{"data.example.org"}
	id, err := b.client.Create(t.Context(), "req1", seal)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"allowPublicTraffic": false, "allowOut": []any{"data.example.org"}, "denyOut": []any{"0.0.0.0/0"}},
		b.e2b.Box(id).Asked["network"])
	require.Equal(t, false, b.e2b.Box(id).Asked["allow_internet_access"])
}

func TestCreateFindsTheBoxThatWasMadeBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	other, err := b.another(t).Create(t.Context(), "req1", sealFor("print(1)"))
	require.NoError(t, err)
	require.Equal(t, id, other)
	require.NotEqual(t, id, b.create(t, "req2", "print(1)"))
	require.Equal(t, 2, b.e2b.Calls(e2btest.Create))
}

func TestTheMetadataFilterSurvivesEveryDecoding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, requestID := range []string{"a&b=c", "50%", "%2526", "ä ö+ü", "x=y"} {
		id := b.create(t, requestID, "print(1)")
		b.client.Forget()
		require.Equal(t, id, b.create(t, requestID, "print(1)"), requestID)
	}
}

func TestAnAmbiguousCreateIsFoundAgainAndNotMadeTwice(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]e2btest.Fault{
		"reset after it took effect":  {Effect: true},
		"silence after it":            {Effect: true, Silent: true},
		"a proxy's 502 after it":      {Effect: true, Status: 502, Body: "<html>bad gateway</html>"},
		"a 504 of nobody's after it":  {Effect: true, Status: 504, Body: "upstream request timeout"},
		"garbage after it":            {Effect: true, Status: 201, Body: "<html>welcome</html>"},
		"an answer without an id":     {Effect: true, Status: 201, Body: "{}"},
		"an id that leads elsewhere":  {Effect: true, Status: 201, Body: `{"sandboxID":"../../admin"}`},
		"a 408 after it":              {Effect: true, Status: 408},
		"half an answer after it":     {Effect: true, Status: 201, Header: map[string]string{"Content-Length": "500"}, Body: "{"},
		"an endless answer after it":  {Effect: true, Status: 201, Body: string(make([]byte, 9<<20))},
		"a 500 that does not explain": {Effect: true, Status: 500, Body: `{"code":500,"message":"oops"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, impatient)
			b.e2b.Fail(e2btest.Create, fault)
			id := b.create(t, "req1", "print(1)")
			require.Len(t, b.e2b.Boxes(), 1)
			require.Equal(t, id, b.e2b.Boxes()[0].ID)
			require.Equal(t, 1, b.e2b.Calls(e2btest.Create))
		})
	}
}

func TestAnAmbiguousCreateThatMadeNothingIsForTheNextCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{})
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.True(t, boxError(t, err).Retry)
	require.Equal(t, 1, b.e2b.Calls(e2btest.Create), "nobody knows whether the box is only late")
	b.create(t, "req1", "print(1)")
	require.Len(t, b.e2b.Boxes(), 1)
}

func TestACreateThatCannotBeLookedForIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{Effect: true})
	b.e2b.Fail(e2btest.List, e2btest.Fault{Status: 200, Body: "[]"}, e2btest.Fault{Status: 500, Times: -1})
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.True(t, boxError(t, err).Retry)
	require.Len(t, b.e2b.Boxes(), 1)
	b.e2b.Heal()
	require.Equal(t, b.e2b.Boxes()[0].ID, b.create(t, "req1", "print(1)"))
}

func TestRefusalsThatPassAreWaitedOut(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]e2btest.Fault{
		"too many requests": {Status: 429, Header: map[string]string{"Retry-After": "1"}, Body: `{"code":429,"message":"Rate limit exceeded"}`},
		"no capacity":       {Status: 503, Body: `{"code":503,"message":"no room","error_code":"sandbox_capacity_unavailable"}`, Times: 3},
		"placement":         {Status: 504, Body: `{"code":504,"message":"please retry","error_code":"sandbox_placement_timeout"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Fail(e2btest.Create, fault)
			b.create(t, "req1", "print(1)")
			require.Len(t, b.e2b.Boxes(), 1)
		})
	}
}

func TestABoxThatIsNotShutIsKilledUnused(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]struct {
		op     e2btest.Op
		change func(map[string]any)
	}{
		"no token for envd":      {e2btest.Create, func(a map[string]any) { delete(a, "envdAccessToken") }},
		"no token for the ports": {e2btest.Create, func(a map[string]any) { a["trafficAccessToken"] = nil }},
		"the internet":           {e2btest.Get, func(a map[string]any) { a["allowInternetAccess"] = true }},
		"nobody knows":           {e2btest.Get, func(a map[string]any) { a["allowInternetAccess"] = nil }},
		"public ports":           {e2btest.Get, func(a map[string]any) { a["network"] = map[string]any{"allowPublicTraffic": true} }},
	} {
		for _, api := range []string{"v1", "v2"} {
			t.Run(name+" in "+api, func(t *testing.T) { aBoxThatIsNotShutIsKilled(t, api, tamper.op, tamper.change) })
		}
	}
}

func aBoxThatIsNotShutIsKilled(t *testing.T, api string, op e2btest.Op, change func(map[string]any)) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.API = api })
	b.e2b.Tamper(op, change)
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	box := boxError(t, err)
	require.False(t, box.Retry)
	require.Contains(t, box.Words, "not shut off")
	require.Positive(t, box.Box, "it is billed all the same")
	require.Len(t, b.e2b.Boxes(), 1)
	require.Empty(t, b.e2b.Alive())

	b.e2b.Tamper(op, change)
	seen, err := b.client.Inspect(t.Context(), "print(1)", nil)
	require.Contains(t, boxError(t, err).Words, "not shut off")
	require.Positive(t, seen.Box, "so is one that was to inspect")
}

func TestABoxThatCannotBeUnderstoodIsNotUsed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"no size":         func(a map[string]any) { a["cpuCount"] = 0 },
		"strange limits":  func(a map[string]any) { a["metadata"].(map[string]any)["countersign_limits"] = "1-2-3" },
		"negative limits": func(a map[string]any) { a["metadata"].(map[string]any)["countersign_limits"] = "1-2-3-0" },
		"strange times":   func(a map[string]any) { a["startedAt"] = "yesterday" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Tamper(e2btest.Get, change)
			_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
			require.Contains(t, boxError(t, err).Words, "made no sense")
		})
	}
}

func TestASealForAnotherSandboxIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, change := range []func(*approval.Manifest){
		func(m *approval.Manifest) { m.Sandbox = "local" },
		func(m *approval.Manifest) { m.Template = "another" },
	} {
		seal := sealFor("print(1)")
		change(&seal)
		_, err := b.client.Create(t.Context(), "req1", seal)
		require.Contains(t, boxError(t, err).Words, "Ask again")
		require.False(t, boxError(t, err).Retry)
	}
	require.Empty(t, b.e2b.Boxes())
}

func TestABoxDearerThanAssumedIsRefusedOnceAndThenKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Change(func(s *e2btest.Settings) { s.VCPU, s.MemoryMB = 4, 8192 })
	require.Equal(t, budget.BoxSize{Kind: "e2b", VCPU: 2, MemoryMB: 2048}, b.client.Size())
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.Contains(t, boxError(t, err).Words, "dearer")
	require.Positive(t, boxError(t, err).Box, "it is billed all the same")
	require.Empty(t, b.e2b.Alive())
	require.Equal(t, budget.BoxSize{Kind: "e2b", VCPU: 4, MemoryMB: 8192}, b.client.Size())
	b.create(t, "req2", "print(1)")
}

func TestAnOldBoxOfTheRequestIsNeitherUsedNorKilled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(2)"))
	require.True(t, boxError(t, err).Retry)
	require.Contains(t, boxError(t, err).Words, "earlier attempt")
	require.True(t, b.e2b.Box(id).Alive, "it may be running")
	require.Len(t, b.e2b.Boxes(), 1)
}

func TestABoxThatEndsWhileItIsAdoptedIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Fail(e2btest.Connect, e2btest.Fault{Status: 404, Body: `{"code":404,"message":"Sandbox doesn't exist"}`})
	b.client.Forget()
	_, err := b.client.Create(t.Context(), "req1", sealFor("print(1)"))
	require.True(t, boxError(t, err).Retry)
	b.e2b.End(id)
	require.NotEqual(t, id, b.create(t, "req1", "print(1)"))
}

func TestCreateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{Silent: true})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := b.client.Create(ctx, "req1", sealFor("print(1)"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, boxError(t, err).Retry)
}

func TestBoxTimeDoesNotDependOnOurClock(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.e2b.Change(func(s *e2btest.Settings) { s.Skew = skew })
			id := b.create(t, "req1", "print(1)")
			replica := b.another(t) // knows the box only by what E2B says
			require.NoError(t, replica.Start(t.Context(), id, jobFor("req1", "print(1)")))
			result, err := replica.Result(t.Context(), id)
			require.NoError(t, err)
			require.Positive(t, result.Box)
			require.Less(t, result.Box, 30*time.Minute)
		})
	}
}

func TestKillEndsABoxAndBearsThatThereIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.create(t, "req1", "print(1)")
	b.e2b.Fail(e2btest.Kill, e2btest.Fault{Effect: true}) // the repetition finds nothing any more
	require.NoError(t, b.client.Kill(t.Context(), id))
	require.Empty(t, b.e2b.Alive())
	require.NoError(t, b.client.Kill(t.Context(), id))
	require.NoError(t, b.client.Kill(t.Context(), "no/box/of ours"))
	b.e2b.Fail(e2btest.Kill, e2btest.Fault{Status: 500, Times: -1})
	require.True(t, boxError(t, b.client.Kill(t.Context(), id)).Retry)
}

func TestAnIdThatIsNoneIsABoxThatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.client.Result(t.Context(), "../v2/sandboxes")
	require.ErrorIs(t, err, steps.ErrBoxGone)
	_, err = b.client.Result(t.Context(), "local-7")
	require.ErrorIs(t, err, steps.ErrBoxGone)
}

func TestPrepareAndDiscardMakeNoBox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.client.Prepare("req1")
	b.client.Discard("req1")
	require.Empty(t, b.e2b.Boxes())
	require.Zero(t, b.e2b.Calls(e2btest.List))
}
