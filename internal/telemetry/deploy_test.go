package telemetry

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// monitoring is where the rules and the dashboard are.
const monitoring = "../../deploy/monitoring"

// promtool runs Prometheus' own tool, which tools/setup installs for the tests.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	require.NoError(t, err, "promtool is missing: `tools/setup test` installs it (Debian's package prometheus)")
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestTheAlertRulesAreTakenByPrometheusItself(t *testing.T) {
	t.Parallel()
	require.Contains(t, promtool(t, "check", "rules", filepath.Join(monitoring, "alerts.yml")), "SUCCESS: 6 rules found")
	require.Contains(t, promtool(t, "test", "rules", filepath.Join(monitoring, "alerts_test.yml")), "SUCCESS")
}

// exposed are the names of all that a process with a ledger exposes.
func exposed(t *testing.T) []string {
	t.Helper()
	m := newMetrics()
	m.Watch(func(context.Context) (map[string]budget.Pace, error) {
		return map[string]budget.Pace{"T1": {Spent: 3 * budget.Dollar, PerDay: budget.Dollar, Days: 7, Projected: 9 * budget.Dollar}, "NEW": {Spent: budget.Cent}}, nil
	})
	for _, c := range []interface{ Reset() }{m.asks, m.decisions, m.runs, m.tokens, m.steps, m.envelopes, m.reviews, m.spent} {
		c.Reset()
	}
	m.asks.WithLabelValues("ok")
	m.decisions.WithLabelValues("approve", "ok")
	m.runs.WithLabelValues("ok")
	m.tokens.WithLabelValues("m", "input")
	m.steps.WithLabelValues("draft", "ok")
	m.envelopes.WithLabelValues("event", "acked")
	m.reviews.WithLabelValues("low")
	m.spent.WithLabelValues("tokens", "m")
	families, err := m.registry.Gather()
	require.NoError(t, err)
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
		if f.GetName() == "countersign_month_spent_dollars" {
			require.Len(t, f.GetMetric(), 2)
		}
		if f.GetName() == "countersign_month_projected_dollars" {
			require.Len(t, f.GetMetric(), 1, "of a first day nothing is projected")
			require.InDelta(t, 9, f.GetMetric()[0].GetGauge().GetValue(), 1e-9)
		}
	}
	return names
}

// What a rule or a panel asks for has to be there: one that is misspelt is silent for ever.
func TestRulesAndDashboardAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	names := exposed(t)
	asked := regexp.MustCompile(`countersign_[a-z_]+`)
	for _, file := range []string{"alerts.yml", "alerts_test.yml", "grafana.json"} {
		text, err := os.ReadFile(filepath.Join(monitoring, file))
		require.NoError(t, err)
		found := asked.FindAllString(string(text), -1)
		require.NotEmpty(t, found, file)
		for _, name := range found {
			bare := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
			require.True(t, slices.Contains(names, name) || slices.Contains(names, bare), "%s asks for %s, which no process exposes: %v", file, name, names)
		}
	}
}

func TestEveryQuestionOfTheDashboardIsPrometheus(t *testing.T) {
	t.Parallel()
	var board struct {
		Title  string
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join(monitoring, "grafana.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &board))
	require.Equal(t, "Countersign", board.Title)
	rules := "groups:\n- name: panels\n  rules:\n"
	seen := map[int]bool{}
	for _, p := range board.Panels {
		require.False(t, seen[p.ID], "two panels have the id %d", p.ID)
		seen[p.ID] = true
		require.NotEmpty(t, p.Targets, p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, "a row of Grafana's has 24 columns: %s", p.Title)
		for i, target := range p.Targets {
			quoted, err := json.Marshal(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
			require.NoError(t, err)
			rules += "  - record: panel" + strings.Repeat("x", p.ID*3+i) + "\n    expr: " + string(quoted) + "\n"
		}
	}
	path := filepath.Join(t.TempDir(), "panels.yml")
	require.NoError(t, os.WriteFile(path, []byte(rules), 0o600))
	require.Contains(t, promtool(t, "check", "rules", path), "SUCCESS")
}
