package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/robfig/cron/v3"

	"countersign/approval"
	"countersign/budget"
	"countersign/sandbox/e2b"
	"countersign/sandbox/local"
)

// Secret is a setting that is never printed, by whatever means. Whoever needs it writes string(s), which
// a reader of the code can look for.
type Secret string

// String hides what it holds.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "redacted"
}

// Format hides it from every verb of fmt, the wrong ones as well.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides it from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides it from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config is every setting of the program. .env.example says what each is for; a
// test holds the two against each other. Whatever can be changed while serve runs (people, rules,
// budgets, notes) is no setting: it stands in the database, with an event for each change.
type Config struct {
	SlackBotToken Secret        `env:"SLACK_BOT_TOKEN"`
	SlackAppToken Secret        `env:"SLACK_APP_TOKEN"`
	SlackAPIURL   string        `env:"SLACK_API_URL"`
	SlackPatience time.Duration `env:"SLACK_PATIENCE" envDefault:"3s"`
	CodeLanguage  bool          `env:"SLACK_CODE_LANGUAGE" envDefault:"false"`

	ReviewChannel  string        `env:"REVIEW_CHANNEL"`
	Reviewers      []string      `env:"REVIEWERS"`
	Admins         []string      `env:"ADMINS"`
	Quorum         int           `env:"QUORUM" envDefault:"1"`
	ApprovalExpiry time.Duration `env:"APPROVAL_EXPIRY" envDefault:"24h"`
	RunExpiry      time.Duration `env:"RUN_EXPIRY" envDefault:"1h"`
	TimeZone       string        `env:"TIME_ZONE" envDefault:"UTC"`
	DigestSchedule string        `env:"DIGEST_SCHEDULE" envDefault:"0 9 * * 1"`

	ReceiptSchedule string `env:"RECEIPT_SCHEDULE" envDefault:"0 17 * * *"`
	LineSeconds     int    `env:"READ_SECONDS" envDefault:"1"`
	Hourly          int    `env:"APPROVALS_PER_HOUR" envDefault:"12"`

	MistralAPIKey    Secret   `env:"MISTRAL_API_KEY"`
	MistralBaseURL   string   `env:"MISTRAL_BASE_URL"`
	MistralModel     string   `env:"MISTRAL_MODEL" envDefault:"codestral-2508"`
	MistralModels    []string `env:"MISTRAL_MODELS"`
	MistralMaxTokens int      `env:"MISTRAL_MAX_TOKENS" envDefault:"4096"`

	AnthropicAPIKey    Secret   `env:"ANTHROPIC_API_KEY"`
	AnthropicBaseURL   string   `env:"ANTHROPIC_BASE_URL"`
	AnthropicModel     string   `env:"ANTHROPIC_MODEL" envDefault:"claude-sonnet-5-5"`
	AnthropicModels    []string `env:"ANTHROPIC_MODELS"`
	AnthropicMaxTokens int      `env:"ANTHROPIC_MAX_TOKENS" envDefault:"8192"`

	OpenAIAPIKey    Secret   `env:"OPENAI_API_KEY"`
	OpenAIBaseURL   string   `env:"OPENAI_BASE_URL"`
	OpenAIModel     string   `env:"OPENAI_MODEL"`
	OpenAIModels    []string `env:"OPENAI_MODELS"`
	OpenAIMaxTokens int      `env:"OPENAI_MAX_TOKENS" envDefault:"8192"`
	OpenAIWindow    int      `env:"OPENAI_WINDOW" envDefault:"0"`
	OpenAIEffort    string   `env:"OPENAI_EFFORT" envDefault:"low"`

	DefaultModel string `env:"DEFAULT_MODEL"`

	E2BAPIKey   Secret `env:"E2B_API_KEY"`
	E2BDomain   string `env:"E2B_DOMAIN"`
	E2BAPIURL   string `env:"E2B_API_URL"`
	E2BBoxURL   string `env:"E2B_SANDBOX_URL"`
	E2BTemplate string `env:"E2B_TEMPLATE"`
	Runsc       string `env:"COUNTERSIGN_RUNSC"`
	RunSeconds  int    `env:"RUN_SECONDS" envDefault:"120"`
	RunMemoryMB int    `env:"RUN_MEMORY_MB" envDefault:"1024"`
	WarmBoxes   boxes  `env:"WARM_BOXES" envDefault:"auto"`
	MaxFileMB   int64  `env:"MAX_FILE_MB"` // 0: as much as a box holds
	MaxOpen     int    `env:"MAX_OPEN_QUESTIONS" envDefault:"20"`
	PinDays     int    `env:"PIN_DAYS" envDefault:"90"`
	StaleDays   int    `env:"SESSION_STALE_DAYS" envDefault:"14"`

	PricesFile string `env:"PRICES_FILE"`

	// Keys that may read what was used, and whose usage it is.
	MistralAdminKey    Secret `env:"MISTRAL_ADMIN_KEY"`
	MistralWorkspace   string `env:"MISTRAL_WORKSPACE"`
	AnthropicAdminKey  Secret `env:"ANTHROPIC_ADMIN_KEY"`
	AnthropicWorkspace string `env:"ANTHROPIC_WORKSPACE"`
	OpenAIAdminKey     Secret `env:"OPENAI_ADMIN_KEY"`
	OpenAIProject      string `env:"OPENAI_PROJECT"`

	DatabaseURL        Secret `env:"DATABASE_URL"`
	MigrateDatabaseURL Secret `env:"MIGRATE_DATABASE_URL"`
	SigningKeyFile     string `env:"SIGNING_KEY_FILE"`
	CheckpointFile     string `env:"CHECKPOINT_FILE"`
	CheckpointGit      Secret `env:"CHECKPOINT_GIT"` // an address may hold a password
	CheckpointBranch   string `env:"CHECKPOINT_BRANCH" envDefault:"checkpoints"`
	CheckpointS3       string `env:"CHECKPOINT_S3"`
	CheckpointRegion   string `env:"CHECKPOINT_S3_REGION" envDefault:"us-east-1"`
	CheckpointBucket   string `env:"CHECKPOINT_S3_BUCKET"`
	CheckpointS3Key    string `env:"CHECKPOINT_S3_KEY"`
	CheckpointS3Secret Secret `env:"CHECKPOINT_S3_SECRET"`
	CheckpointS3Days   int    `env:"CHECKPOINT_S3_DAYS" envDefault:"3650"`
	DataDir            string `env:"DATA_DIR"`
	HTTPAddr           string `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080"`
	LogLevel           string `env:"LOG_LEVEL" envDefault:"info"`

	LangfuseHost      string `env:"LANGFUSE_HOST" envDefault:"https://cloud.langfuse.com"`
	LangfusePublicKey string `env:"LANGFUSE_PUBLIC_KEY"`
	LangfuseSecretKey Secret `env:"LANGFUSE_SECRET_KEY"`
	// Which share of the requests is traced, and what of them may be told.
	LangfuseSample  float64 `env:"LANGFUSE_SAMPLE" envDefault:"1"`
	LangfuseContent string  `env:"LANGFUSE_CONTENT" envDefault:"none"`
	OTLPMetricsURL  string  `env:"OTLP_METRICS_URL"`

	// What the settings above amount to.
	location *time.Location
	digest   cron.Schedule // nil: none
	receipts cron.Schedule // nil: everybody is told of each approval at once
	prices   budget.Prices
	level    slog.Level
}

// settings are the fields of Config that the environment fills, by the names of
// their variables.
func settings() map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := f.Tag.Get("env"); name != "" {
			all[name] = f
		}
	}
	return all
}

// readConfig reads the environment, in which empty is the same as not set. All
// faults are reported at once, each by the name of its setting and never with a
// secret in it.
func readConfig(environ map[string]string) (Config, error) {
	var c Config
	// Empty is not set, also for numbers: compose files and templates leave settings empty.
	given := maps.Clone(environ)
	maps.DeleteFunc(given, func(_, value string) bool { return strings.TrimSpace(value) == "" })
	faults := faultList{}
	if err := env.ParseWithOptions(&c, env.Options{Environment: given}); err != nil {
		faults.parsed(err)
	}
	var err error
	if c.location, err = time.LoadLocation(c.TimeZone); err != nil {
		faults.add("TIME_ZONE", "%q is not a time zone; an example is Europe/Berlin", c.TimeZone)
	}
	c.DigestSchedule = strings.Trim(c.DigestSchedule, `"`) // not everything that reads .env is a shell
	if c.digest, err = readDigest(c.DigestSchedule); err != nil {
		faults.add("DIGEST_SCHEDULE", "%q is neither off nor a schedule such as \"0 9 * * 1\" (Mondays at nine)", c.DigestSchedule)
	}
	c.ReceiptSchedule = strings.Trim(c.ReceiptSchedule, `"`)
	if c.receipts, err = readDigest(c.ReceiptSchedule); err != nil {
		faults.add("RECEIPT_SCHEDULE", "%q is neither off nor a schedule such as \"0 17 * * *\" (every day at five)", c.ReceiptSchedule)
	}
	if err := c.level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		faults.add("LOG_LEVEL", "%q is not one of debug, info, warn, error", c.LogLevel)
	}
	if c.prices, err = readPrices(c.PricesFile); err != nil {
		faults.add("PRICES_FILE", "%w", err)
	}
	for _, s := range []struct{ name, value string }{{"SLACK_API_URL", c.SlackAPIURL}, {"MISTRAL_BASE_URL", c.MistralBaseURL},
		{"ANTHROPIC_BASE_URL", c.AnthropicBaseURL}, {"OPENAI_BASE_URL", c.OpenAIBaseURL},
		{"E2B_API_URL", c.E2BAPIURL}, {"E2B_SANDBOX_URL", c.E2BBoxURL}, {"LANGFUSE_HOST", c.LangfuseHost}, {"OTLP_METRICS_URL", c.OTLPMetricsURL}} {
		if u, err := url.Parse(s.value); s.value != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			faults.add(s.name, "not a URL such as https://example.com")
		}
	}
	for _, s := range []struct{ name, db string }{{"DATABASE_URL", string(c.DatabaseURL)}, {"MIGRATE_DATABASE_URL", string(c.MigrateDatabaseURL)}} {
		if s.db != "" && !strings.HasPrefix(s.db, "postgres://") && !strings.HasPrefix(s.db, "postgresql://") && !strings.Contains(s.db, "=") {
			faults.add(s.name, "not an address such as postgres://user:password@host/database")
		}
	}
	if c.MigrateDatabaseURL != "" && c.DatabaseURL == "" {
		faults.add("MIGRATE_DATABASE_URL", "is the owner's address of the database in DATABASE_URL, which is not set")
	}
	for _, s := range []struct {
		name string
		n    int64
	}{{"QUORUM", int64(c.Quorum)}, {"APPROVAL_EXPIRY", int64(c.ApprovalExpiry)}, {"RUN_EXPIRY", int64(c.RunExpiry)}, {"MISTRAL_MAX_TOKENS", int64(c.MistralMaxTokens)},
		{"ANTHROPIC_MAX_TOKENS", int64(c.AnthropicMaxTokens)}, {"OPENAI_MAX_TOKENS", int64(c.OpenAIMaxTokens)},
		{"RUN_SECONDS", int64(c.RunSeconds)}, {"RUN_MEMORY_MB", int64(c.RunMemoryMB)}, {"MAX_OPEN_QUESTIONS", int64(c.MaxOpen)}, {"PIN_DAYS", int64(c.PinDays)}, {"SESSION_STALE_DAYS", int64(c.StaleDays)}} {
		if s.n < 1 {
			faults.add(s.name, "must be positive")
		}
	}
	switch {
	case c.MaxFileMB < 0:
		faults.add("MAX_FILE_MB", "must not be negative")
	case c.E2BAPIKey == "" && c.MaxFileMB > local.MaxInputMB:
		faults.add("MAX_FILE_MB", "at most %d MB fit into a sandbox on this machine; larger files need one at E2B (E2B_API_KEY)", local.MaxInputMB)
	case c.MaxFileMB > e2b.MaxInputMB:
		faults.add("MAX_FILE_MB", "at most %d MB fit into a sandbox at E2B", e2b.MaxInputMB)
	}
	for _, s := range []struct {
		name string
		n    int
	}{{"OPENAI_WINDOW", c.OpenAIWindow}, {"READ_SECONDS", c.LineSeconds}, {"APPROVALS_PER_HOUR", c.Hourly}} {
		if s.n < 0 {
			faults.add(s.name, "must not be negative")
		}
	}
	if (c.LangfusePublicKey == "") != (c.LangfuseSecretKey == "") {
		faults.add("LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY", "set both or neither")
	}
	if c.LangfuseSample <= 0 || c.LangfuseSample > 1 {
		faults.add("LANGFUSE_SAMPLE", "is a share above 0 and up to 1, such as 0.1; without the keys nothing is traced")
	}
	if !slices.Contains([]string{"none", "code", "data"}, c.LangfuseContent) {
		faults.add("LANGFUSE_CONTENT", "%q is not one of none, code, data", c.LangfuseContent)
	}
	for _, list := range []*[]string{&c.Reviewers, &c.Admins, &c.MistralModels, &c.AnthropicModels, &c.OpenAIModels} {
		*list = trimmed(*list)
	}
	if c.DataDir == "" {
		c.DataDir = defaultDataDir()
	}
	if c.SigningKeyFile == "" {
		// Beside the data and not in it: whoever gets hold of a backup of the folder has no key.
		c.SigningKeyFile = strings.TrimRight(c.DataDir, "/") + ".key"
	}
	if c.CheckpointFile == "" {
		c.CheckpointFile = strings.TrimRight(c.DataDir, "/") + ".checkpoints"
	}
	return c, errors.Join(faults.all...)
}

// faultList collects what is wrong, one fault for each setting. What cannot be read as a number
// is left at zero, and a later check would complain about that as well.
type faultList struct {
	all   []error
	named []string
}

// add keeps the first fault of each setting: the second is most often a consequence of it.
func (f *faultList) add(name, format string, args ...any) {
	if !slices.Contains(f.named, name) {
		f.named = append(f.named, name)
		f.all = append(f.all, fmt.Errorf(name+": "+format, args...))
	}
}

// parsed takes what the library found, which knows fields and not settings.
func (f *faultList) parsed(err error) {
	faults := []error{err}
	if several, ok := errors.AsType[env.AggregateError](err); ok {
		faults = several.Errors
	}
	for _, fault := range faults {
		parse, ok := errors.AsType[env.ParseError](fault)
		if !ok {
			f.all = append(f.all, fault)
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		example := map[reflect.Type]string{reflect.TypeFor[time.Duration](): "a time, such as 90m or 24h", reflect.TypeFor[boxes](): "auto, or a number such as 4"}[field.Type]
		f.add(field.Tag.Get("env"), "is not %s", cmp.Or(example, "a whole number, such as 20"))
	}
}

// trimmed is a list as people write it, with blanks after the commas. Who is named twice counts once, or QUORUM would fit.
func trimmed(list []string) (clean []string) {
	for _, word := range list {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(clean, word) {
			clean = append(clean, word)
		}
	}
	return clean
}

// readPrices reads the file that PRICES_FILE names, or takes the prices that are built in.
func readPrices(file string) (budget.Prices, error) {
	if file == "" {
		return budget.Shipped(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return budget.Prices{}, err
	}
	defer f.Close()
	return budget.ReadPrices(f)
}

// defaultDataDir is where a program of this user keeps what must outlive it. Root
// uses /var/lib: a Postgres that has dropped root cannot pass /root.
func defaultDataDir() string { return dataDirOf(os.Geteuid()) }

// dataDirOf is where this user keeps data: root's is the machine's, anybody else's their own. Without a home, as in
// some containers, it is a folder of this user in the temporary one.
func dataDirOf(uid int) string {
	if uid == 0 {
		return "/var/lib/countersign"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "countersign")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("countersign-%d", uid))
	}
	return filepath.Join(home, ".local", "share", "countersign")
}

// needs reports what serve cannot do without, all of it.
func (c Config) needs() error {
	_, modelErr := c.writer()
	return errors.Join(c.needSlack(), modelErr)
}

// unsaid are the faults, a line each, of settings that have not been named yet. A setting that cannot
// be read is not set either, and saying both would send people to two places.
func unsaid(faults, said error) error {
	var left []error
	if faults == nil {
		return nil
	}
	for _, line := range strings.Split(faults.Error(), "\n") {
		name, _, _ := strings.Cut(line, " ")
		if name = strings.TrimSuffix(name, ":"); !strings.Contains("\n"+said.Error(), "\n"+name+":") {
			left = append(left, errors.New(line))
		}
	}
	return errors.Join(left...)
}

// needSlack reports what serve cannot do without.
func (c Config) needSlack() error {
	var faults []error
	need := func(name, value, prefix, hint string) {
		switch {
		case value == "":
			faults = append(faults, fmt.Errorf("%s is not set: %s", name, hint))
		case !strings.HasPrefix(value, prefix):
			faults = append(faults, fmt.Errorf("%s does not start with %s: %s", name, prefix, hint))
		}
	}
	need("SLACK_BOT_TOKEN", string(c.SlackBotToken), "xoxb-", "the Bot User OAuth Token of your Slack app, under OAuth & Permissions")
	need("SLACK_APP_TOKEN", string(c.SlackAppToken), "xapp-", "an app-level token with connections:write, under Basic Information")
	need("REVIEW_CHANNEL", c.ReviewChannel, "", "the id of the channel where code is reviewed, such as C0123456789")
	need("REVIEWERS", strings.Join(c.Reviewers, ","), "", "the user ids of those who may approve, such as U012ABCDEF,U034GHIJKL")
	if len(c.Reviewers) > 0 && len(c.Reviewers) < c.Quorum {
		faults = append(faults, fmt.Errorf("QUORUM is %d, but REVIEWERS names only %d: nothing could ever be approved", c.Quorum, len(c.Reviewers)))
	}
	return errors.Join(faults...)
}

// slowestLine is how many bytes of a file are to come in a second at least. A job that fetches a file
// from Slack gets as much time as the largest one takes at this pace.
const slowestLine = 4 << 20

// boxHolds is how many MB of files fit into a box.
func (c Config) boxHolds() int64 {
	if c.E2BAPIKey != "" {
		return e2b.MaxInputMB
	}
	return local.MaxInputMB
}

// policy is what the settings say about who may do what, and how much.
func (c Config) policy() approval.Policy {
	p := approval.DefaultPolicy()
	p.Reviewers, p.Admins, p.ReviewChannel, p.Quorum = c.Reviewers, c.Admins, c.ReviewChannel, c.Quorum
	p.Expiry, p.RunExpiry = c.ApprovalExpiry, c.RunExpiry
	p.MaxFileBytes = cmp.Or(c.MaxFileMB, c.boxHolds()) << 20
	p.MaxInputBytes = max(p.MaxInputBytes, p.MaxFileBytes)
	p.MaxOpen, p.PinDays, p.LineSeconds, p.Hourly = c.MaxOpen, c.PinDays, c.LineSeconds, c.Hourly
	p.Stale = time.Duration(min(c.StaleDays, 36500)) * 24 * time.Hour
	p.Limits.Seconds, p.Limits.MemoryMB = c.RunSeconds, c.RunMemoryMB
	p.Zone = c.location
	return p
}
