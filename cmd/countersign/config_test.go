package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExampleFileDocumentsEverySettingAndNoOther(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	said := map[string]string{}
	explained := false // a comment stands above, or above the setting above
	for number, line := range strings.Split(string(text), "\n") {
		switch name, value, setting := strings.Cut(line, "="); {
		case strings.HasPrefix(line, "# ---"), strings.TrimSpace(line) == "":
			explained = false
		case strings.HasPrefix(line, "#"):
			explained = true
		default:
			require.True(t, setting, "line %d is neither a comment nor a setting: %s", number+1, line)
			require.NotContains(t, said, name, "said twice")
			said[name] = strings.Trim(value, `"`) // as a shell reads it
			require.True(t, explained || strings.HasSuffix(name, "_API_KEY"), "%s is not explained", name)
		}
	}
	for name, field := range settings() {
		value, ok := said[name]
		require.True(t, ok, "%s is missing", name)
		require.Equal(t, field.Tag.Get("envDefault"), value, "the default of %s", name)
		delete(said, name)
	}
	require.Empty(t, said, "these are no settings")
}

func TestExampleFileAsItStandsIsTheSameAsNoSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	environ := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		environ[m[1]] = m[2]
	}
	filled, err := readConfig(environ)
	require.NoError(t, err)
	bare, err := readConfig(nil)
	require.NoError(t, err)
	require.Equal(t, bare, filled)
	require.Equal(t, []string{"codestral-2508"}, filled.models())
	require.Equal(t, slog.LevelInfo, filled.level)
	require.NotEmpty(t, filled.DataDir)
}

func TestEveryFaultIsReportedByNameAndOnce(t *testing.T) {
	t.Parallel()
	prices := filepath.Join(t.TempDir(), "prices.csv")
	require.NoError(t, os.WriteFile(prices, []byte("kind,name\n"), 0o600))
	_, err := readConfig(map[string]string{
		"QUORUM": "two", "APPROVAL_EXPIRY": "soon", "RUN_EXPIRY": "-1h", "MISTRAL_MAX_TOKENS": "0",
		"RUN_SECONDS": "0", "RUN_MEMORY_MB": "1e3", "MAX_FILE_MB": "-20", "MAX_OPEN_QUESTIONS": "0", "PIN_DAYS": "0", "SESSION_STALE_DAYS": "0", "WARM_BOXES": "-1", "TIME_ZONE": "Mars/Olympus", "LOG_LEVEL": "loud", "PRICES_FILE": prices,
		"SLACK_API_URL": "slack.com", "MISTRAL_BASE_URL": "ftp://x", "E2B_API_URL": "http://", "E2B_SANDBOX_URL": ":", "LANGFUSE_HOST": "here",
		"LANGFUSE_SECRET_KEY": "sk-lf-hunter2", "SLACK_BOT_TOKEN": "xoxb-hunter2", "SLACK_APP_TOKEN": "xapp-hunter2",
		"MISTRAL_API_KEY": "hunter2", "E2B_API_KEY": "hunter2", "DATABASE_URL": "postgres//u:hunter2@h/d",
	})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	for _, name := range []string{"WARM_BOXES", "QUORUM", "APPROVAL_EXPIRY", "RUN_EXPIRY", "MISTRAL_MAX_TOKENS", "RUN_SECONDS", "RUN_MEMORY_MB", "MAX_FILE_MB",
		"MAX_OPEN_QUESTIONS", "PIN_DAYS", "SESSION_STALE_DAYS", "TIME_ZONE", "LOG_LEVEL", "PRICES_FILE", "SLACK_API_URL", "MISTRAL_BASE_URL", "E2B_API_URL", "E2B_SANDBOX_URL", "LANGFUSE_HOST", "DATABASE_URL",
		"LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"} {
		require.Equal(t, 1, strings.Count("\n"+err.Error(), "\n"+name+": "), "%s in:\n%s", name, err)
	}
	require.Len(t, lines, 21)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestFilesThatNoBoxOnThisMachineHoldsAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	_, err := readConfig(map[string]string{"MAX_FILE_MB": "256"})
	require.NoError(t, err)
	_, err = readConfig(map[string]string{"MAX_FILE_MB": "257"})
	require.EqualError(t, err, "MAX_FILE_MB: at most 256 MB fit into a sandbox on this machine; larger files need one at E2B (E2B_API_KEY)")
	_, err = readConfig(map[string]string{"MAX_FILE_MB": "1024", "E2B_API_KEY": "e2b"})
	require.NoError(t, err)
	_, err = readConfig(map[string]string{"MAX_FILE_MB": "1025", "E2B_API_KEY": "e2b"})
	require.EqualError(t, err, "MAX_FILE_MB: at most 1024 MB fit into a sandbox at E2B")
}

// Where nothing is set a question may use as much as its box holds.
func TestTheLargestFileIsWhatABoxHolds(t *testing.T) {
	t.Parallel()
	for key, most := range map[string]int64{"": 256 << 20, "e2b": 1 << 30} {
		c, err := readConfig(map[string]string{"E2B_API_KEY": key})
		require.NoError(t, err)
		require.Equal(t, most, c.policy().MaxFileBytes)
		require.Equal(t, most, c.policy().MaxInputBytes)
	}
}

func TestListsMayHaveBlanksAndTheDefaultModelIsOfferedOnce(t *testing.T) {
	t.Parallel()
	c, err := readConfig(map[string]string{"REVIEWERS": " U1 , U2,U1,", "ADMINS": "U3", "MISTRAL_MODELS": "codestral-2508, mistral-small-2603 "})
	require.NoError(t, err)
	require.Equal(t, []string{"U1", "U2"}, c.Reviewers)
	require.Equal(t, []string{"codestral-2508", "mistral-small-2603"}, c.models())

	c, err = readConfig(map[string]string{"REVIEWERS": "U1,U1", "QUORUM": "2"})
	require.NoError(t, err)
	require.ErrorContains(t, c.needSlack(), "REVIEWERS names only 1", "one person who is named twice")
}

func TestPolicySaysWhatTheSettingsSay(t *testing.T) {
	t.Parallel()
	c, err := readConfig(map[string]string{"REVIEWERS": "U1,U2", "ADMINS": "U3", "REVIEW_CHANNEL": "C1", "QUORUM": "2", "APPROVAL_EXPIRY": "90m", "RUN_EXPIRY": "5m",
		"MAX_FILE_MB": "7", "MAX_OPEN_QUESTIONS": "9", "PIN_DAYS": "30", "SESSION_STALE_DAYS": "3", "RUN_SECONDS": "33", "RUN_MEMORY_MB": "700", "TIME_ZONE": "Europe/Berlin", "READ_SECONDS": "2", "APPROVALS_PER_HOUR": "7"})
	require.NoError(t, err)
	p := c.policy()
	require.Equal(t, []string{"U1", "U2"}, p.Reviewers)
	require.Equal(t, []string{"U3"}, p.Admins)
	require.Equal(t, "Europe/Berlin", p.Zone.String())
	require.Equal(t, "C1", p.ReviewChannel)
	require.Equal(t, 2, p.Quorum)
	require.Equal(t, 90*time.Minute, p.Expiry)
	require.Equal(t, 5*time.Minute, p.RunExpiry)
	require.EqualValues(t, 7<<20, p.MaxFileBytes)
	require.Equal(t, 9, p.MaxOpen)
	require.Equal(t, 30, p.PinDays)
	require.Equal(t, 72*time.Hour, p.Stale)
	require.Equal(t, 2, p.LineSeconds)
	require.Equal(t, 7, p.Hourly)
	require.Equal(t, 33, p.Limits.Seconds)
	require.Equal(t, 700, p.Limits.MemoryMB)
	require.Equal(t, "Europe/Berlin", c.location.String())
}

func TestPricesOfOnesOwnReplaceTheShippedOnes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prices.csv")
	require.NoError(t, os.WriteFile(file, []byte("kind,name,from,until,above_tokens,input,cached_input,cache_write,output,checked,source\n"+
		"model,our-model,2026-01-01,,,1,1,,1,2026-01-01,our own\nbox,local,2026-01-01,,,0,0,,0,2026-01-01,free: our own\n"), 0o600))
	c, err := readConfig(map[string]string{"PRICES_FILE": file})
	require.NoError(t, err)
	_, err = c.prices.Model("our-model", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 0)
	require.NoError(t, err)
	_, err = c.prices.Model("codestral-2508", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 0)
	require.Error(t, err)
	_, err = readConfig(map[string]string{"PRICES_FILE": file + ".gone"})
	require.ErrorContains(t, err, "PRICES_FILE: ")
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	environ := map[string]string{}
	var secrets []string
	for name, field := range settings() {
		if field.Type == reflect.TypeFor[Secret]() {
			environ[name] = "hunter2="
			secrets = append(secrets, name)
		}
	}
	require.ElementsMatch(t, []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "MISTRAL_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "E2B_API_KEY",
		"MISTRAL_ADMIN_KEY", "ANTHROPIC_ADMIN_KEY", "OPENAI_ADMIN_KEY", "DATABASE_URL", "MIGRATE_DATABASE_URL", "CHECKPOINT_GIT", "CHECKPOINT_S3_SECRET",
		"LANGFUSE_SECRET_KEY"}, secrets, "a new secret? It belongs to the ones that are hidden")
	environ["LANGFUSE_PUBLIC_KEY"] = "pk-lf-1"
	c, err := readConfig(environ)
	require.NoError(t, err)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("settings", "config", c, "token", c.SlackBotToken, "pointer", &c)
	}
	asJSON, err := json.Marshal(struct{ Token, None Secret }{c.SlackBotToken, ""})
	require.NoError(t, err)
	require.JSONEq(t, `{"Token":"redacted","None":""}`, string(asJSON))
	whole, err := json.Marshal(c)
	require.NoError(t, err)
	p := program{Config: c}
	for _, text := range []string{fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprint(&c), fmt.Sprintf("%+v", p), fmt.Sprintf("%#v", p),
		fmt.Sprintf("%s %q %v %#v", c.E2BAPIKey, c.E2BAPIKey, c.E2BAPIKey, c.E2BAPIKey), log.String(), string(whole)} {
		require.NotContains(t, text, "hunter2")
		require.Contains(t, text, "redacted")
	}
	require.NotContains(t, fmt.Sprintf("%x", c.E2BAPIKey), fmt.Sprintf("%x", "hunter2"))
}

func TestDataHasAPlaceOfItsOwn(t *testing.T) {
	require.Equal(t, "/var/lib/countersign", dataDirOf(0), "a Postgres that has dropped root cannot pass /root")
	t.Setenv("XDG_DATA_HOME", "/data")
	require.Equal(t, "/data/countersign", dataDirOf(1000))
	t.Setenv("XDG_DATA_HOME", "relative")
	t.Setenv("HOME", "/home/maya")
	require.Equal(t, "/home/maya/.local/share/countersign", dataDirOf(1000))
	t.Setenv("HOME", "")
	require.Equal(t, filepath.Join(os.TempDir(), "countersign-1000"), dataDirOf(1000))
	require.Equal(t, dataDirOf(os.Geteuid()), defaultDataDir())
}

// A key that is replaced twice leaves both of those before it.
func TestAFormerKeyIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "signing.key")
	for _, name := range []string{key + ".former", key + ".former-2", key + ".former-3"} {
		require.Equal(t, name, formerFile(key))
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
}
