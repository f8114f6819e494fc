// Package house holds the program against its plan: which room may import which,
// whose a library is, and how large a room may become. It has tests only.
//
// The picture that the tables below write out stands in docs/how-it-works.md. An import
// that is not in it is a mistake in the code or in the picture: mend one of them.
package house

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "countersign"

// plan says what a room may import of ours.
type plan struct {
	uses  []string // by the program
	tests []string // by its tests, on top
}

// The layers, from the left of the picture to the right. Each sees those before it.
var (
	nouns   = []string{"budget", "approval", "approval/reading", "approval/redact", "approval/sshkey"}
	verdict = append(slices.Clone(nouns), "approval/habits", "approval/pins", "approval/review")
	core    = append(slices.Clone(verdict), "approval/steps", "approval/thread", "approval/books")
)

func with(more ...string) []string { return append(slices.Clone(core), more...) }

var (
	providerTests = []string{"codegen/conformance", "codegen/mistraltest", "codegen/samples"}
	drawing       = with("bot/ids", "bot/kit", "bot/command", "bot/readback", "bot/draw", "bot/draw/*")
	slackSide     = append(slices.Clone(drawing), "approval/handover", "bot/codes", "bot/meant", "bot/assistant", "bot/auditing", "bot/strays")
	drawingTests  = []string{"internal/proof", "internal/slacksim", "internal/slacksim/*"}
)

// slack are rooms of the local Slack.
func slack(rooms ...string) (paths []string) {
	for _, room := range rooms {
		paths = append(paths, "internal/slacksim/"+room)
	}
	return paths
}

// rooms is the picture. Adapters (storage, codegen, sandbox, bot) see the core and rooms
// of their own, never one another; only cmd/countersign sees all.
var rooms = map[string]plan{
	".": {}, // the manifest and the settings, which the program carries

	// The core: pure.
	"budget":           {},
	"approval/reading": {},
	"approval/redact":  {},
	"approval/sshkey":  {},
	"approval":         {uses: []string{"budget", "approval/reading", "approval/redact", "approval/sshkey"}, tests: []string{"internal/deepcopy", "internal/proof"}},
	"approval/habits":  {uses: nouns},
	"approval/pins":    {uses: nouns},
	"approval/review":  {uses: append(slices.Clone(nouns), "approval/pins"), tests: []string{"internal/proof"}},
	"approval/verify":  {uses: []string{"approval"}},
	"approval/thread":  {uses: nouns},
	"approval/steps":   {uses: append(slices.Clone(verdict), "approval/thread", "approval/verify"), tests: []string{"internal/deepcopy", "internal/proof", "bot/draw/reasons"}},

	"approval/answers":  {uses: core},
	"approval/auditing": {uses: []string{"approval", "internal/pack"}}, // what it shows is told as packs tell it
	"approval/early":    {uses: core, tests: []string{"internal/deepcopy"}},
	"approval/epoch":    {uses: nouns},
	"approval/keeping":  {uses: []string{"approval"}},
	"approval/books":    {uses: append(slices.Clone(verdict), "approval/steps")},
	"approval/handover": {uses: core},
	"approval/glass":    {uses: core},

	// Postgres.
	"storage":         {uses: with("approval/glass", "approval/handover", "storage/audit", "storage/journal", "storage/money", "storage/pg", "storage/pulse", "storage/queue", "storage/signing", "storage/trail"), tests: []string{"approval/auditing", "storage/roles", "storage/schema", "migrations", "internal/bench", "internal/pglocal", "internal/pglocal/pgtest", "internal/proof", "internal/checkpoint", "internal/pack"}},
	"storage/pg":      {uses: nouns},
	"storage/trail":   {uses: with("storage/pg", "storage/signing", "internal/pack/strict")}, // one spelling for whoever writes and whoever verifies
	"storage/audit":   {uses: with("storage/pg", "storage/trail")},
	"storage/money":   {uses: with("storage/pg", "storage/trail")},
	"storage/queue":   {uses: with("approval/auditing", "storage/pg", "storage/pulse")},
	"storage/schema":  {uses: []string{"approval", "migrations", "storage/pg", "storage/pulse", "storage/roles"}},
	"storage/pulse":   {},
	"storage/roles":   {tests: []string{"storage/schema", "internal/pglocal/pgtest"}},
	"storage/signing": {uses: []string{"internal/checkpoint"}},
	"storage/journal": {uses: []string{"approval", "approval/auditing", "approval/reading", "approval/redact", "budget", "internal/checkpoint", "internal/pack", "storage/pg"}},
	"migrations":      {tests: []string{"internal/pglocal/pgtest", "internal/proof", "storage/schema"}},

	// Proof: what somebody checks who has neither our database nor our word.
	"internal/checkpoint":  {},
	"internal/outside":     {uses: []string{"internal/checkpoint"}},
	"internal/pack/strict": {}, // what all programs read alike
	"internal/pack":        {uses: []string{"internal/checkpoint", "internal/pack/strict", "internal/tame", "approval/reading", "approval/redact", "approval/sshkey"}, tests: []string{"internal/proof"}},

	// Money, for those who answer for it.
	"internal/accounts": {uses: []string{"budget", "internal/tame"}},
	"internal/tame":     {}, // cells that no spreadsheet computes

	// Models: what every provider needs, then a room for each of them. They do not know one another.
	"codegen":             {uses: with("codegen/pandas"), tests: []string{"codegen/mistraltest", "codegen/samples"}},
	"codegen/door":        {uses: with()},
	"codegen/pandas":      {},
	"codegen/mistral":     {uses: with("codegen", "codegen/door"), tests: providerTests},
	"codegen/claude":      {uses: with("codegen", "codegen/door"), tests: providerTests},
	"codegen/gpt":         {uses: with("codegen", "codegen/door"), tests: providerTests},
	"codegen/conformance": {uses: with("codegen", "internal/proof")}, // what all providers pass
	"codegen/standin":     {uses: with("codegen", "codegen/pandas"), tests: []string{"codegen/samples", "internal/proof"}},
	"codegen/samples":     {},
	"codegen/mistraltest": {},

	// Boxes.
	"sandbox":             {uses: with(), tests: []string{"sandbox/witness"}},
	"sandbox/local":       {uses: with("sandbox", "sandbox/witness"), tests: []string{"internal/bench", "internal/proof"}},
	"sandbox/witness":     {uses: with()},
	"sandbox/e2b":         {uses: with("sandbox", "sandbox/witness"), tests: []string{"sandbox/e2b/e2btest", "internal/proof"}},
	"sandbox/e2b/e2btest": {},

	// Slack. The rooms of drawing share what a drawing is made of, and know nothing of the socket.
	"bot/ids":       {},
	"bot/kit":       {}, // nothing of approval, nothing of money
	"bot/codes":     {uses: []string{"approval/steps"}},
	"bot/command":   {uses: append(slices.Clone(nouns), "bot/ids", "bot/kit")},
	"bot/meant":     {uses: []string{"approval", "bot/draw", "bot/kit"}},
	"bot/strays":    {uses: []string{"approval/steps", "bot/codes"}},
	"bot/assistant": {uses: append(slices.Clone(nouns), "bot/kit")},
	"bot/readback":  {uses: []string{"bot/ids", "bot/kit"}, tests: drawingTests},
	"bot/draw":      {uses: drawing, tests: append(slices.Clone(drawingTests), "approval/auditing", "approval/handover", "internal/pack")},
	// The words of reasons: the tests of the use cases read them as people would.
	"bot/draw/reasons":  {uses: nouns},
	"bot/draw/home":     {uses: drawing, tests: drawingTests},
	"bot/draw/money":    {uses: drawing, tests: drawingTests},
	"bot/draw/notice":   {uses: drawing, tests: drawingTests},
	"bot/draw/masked":   {uses: with("bot/kit")},
	"bot/draw/pins":     {uses: drawing},
	"bot/draw/handover": {uses: append(slices.Clone(drawing), "approval/handover")},
	"bot/draw/verified": {uses: with("bot/kit")},
	"bot/draw/audit":    {uses: append(slices.Clone(drawing), "approval/auditing", "internal/pack"), tests: drawingTests},
	"bot/auditing":      {uses: append(slices.Clone(drawing), "approval/auditing", "internal/pack")},
	"bot/draw/sample":   {uses: with("internal/slacksim", "internal/slacksim/*")}, // Views that only tests draw
	"bot":               {uses: slackSide, tests: append(slices.Clone(drawingTests), "internal/pglocal/pgtest")},

	// What stands in for the world, and what watches it.
	"internal/slacksim/blockkit":  {},
	"internal/slacksim/limits":    {uses: []string{"internal/slacksim/blockkit"}},
	"internal/slacksim/rewrite":   {uses: []string{"internal/slacksim/blockkit"}},
	"internal/slacksim/workspace": {uses: slack("blockkit", "limits", "rewrite")},
	"internal/slacksim/fault":     {uses: slack("blockkit", "rewrite", "workspace")},
	"internal/slacksim/sockets":   {uses: slack("blockkit", "workspace", "fault")},
	"internal/slacksim/webapi":    {uses: slack("blockkit", "limits", "workspace", "fault", "sockets")},
	"internal/slacksim/person":    {uses: slack("blockkit", "workspace", "sockets"), tests: slack("rewrite")},
	"internal/slacksim/pageapi":   {uses: slack("blockkit", "workspace", "fault", "sockets", "person")},
	"internal/slacksim/page":      {},
	"internal/slacksim":           {uses: slack("workspace", "fault", "sockets", "webapi", "person", "pageapi"), tests: append(slack("blockkit", "limits", "rewrite"), ".")},
	"internal/pglocal":            {},
	"internal/pglocal/pgtest":     {uses: []string{"internal/pglocal"}},
	"internal/guide":              {}, // asks, and writes down; what answers are tried on is handed to it
	"internal/telemetry":          {uses: with()},
	"internal/deepcopy":           {},
	"internal/proof":              {},
	"internal/bench":              {}, // figures of `make bench`, and their page
	"internal/bench/page":         {uses: []string{"internal/bench"}},
	"internal/house":              {},
	"cmd/countersign":             {uses: []string{"*"}},
	"cmd/countersign-verify":      {uses: []string{"internal/checkpoint", "internal/pack"}},
}

// libraries says who may import what others wrote: the program, and tests on top.
var libraries = map[string]struct{ uses, tests []string }{
	"github.com/slack-go/slack":           {uses: []string{"bot", "bot/codes", "bot/kit", "bot/readback", "bot/assistant", "bot/auditing", "bot/strays", "bot/draw", "bot/draw/*"}, tests: []string{"internal/slacksim"}},
	"github.com/jackc/pgx/v5":             {uses: []string{"storage", "storage/*", "internal/pglocal/pgtest"}, tests: []string{"internal/pglocal", "cmd/countersign", "migrations"}},
	"github.com/transparency-dev/merkle":  {uses: []string{"internal/checkpoint"}},
	"github.com/riverqueue/river":         {uses: []string{"storage/queue", "storage/schema"}, tests: []string{"storage"}},
	"github.com/pressly/goose/v3":         {uses: []string{"storage/schema"}, tests: []string{"storage"}},
	"github.com/robfig/cron/v3":           {uses: []string{"storage/queue", "cmd/countersign"}},
	"github.com/gage-technologies":        {uses: []string{"codegen/mistral"}},
	"github.com/anthropics":               {uses: []string{"codegen/claude"}},
	"github.com/openai":                   {uses: []string{"codegen/gpt"}},
	"github.com/gorilla/websocket":        {uses: []string{"internal/slacksim/sockets"}, tests: []string{"internal/slacksim"}},
	"github.com/caarlos0/env":             {uses: []string{"cmd/countersign"}},
	"charm.land/huh/v2":                   {uses: []string{"internal/guide"}},
	"github.com/prometheus/client_golang": {uses: []string{"internal/telemetry"}},
	"go.opentelemetry.io/contrib":         {uses: []string{"internal/telemetry"}},
	"go.opentelemetry.io/otel":            {uses: []string{"internal/telemetry"}},
	"go.opentelemetry.io/proto/otlp":      {tests: []string{"internal/telemetry", "cmd/countersign"}},
	"google.golang.org/protobuf":          {uses: []string{"sandbox/witness"}, tests: []string{"internal/telemetry", "cmd/countersign"}},
	"github.com/chromedp":                 {tests: []string{"cmd/countersign"}},
	"github.com/rogpeppe/go-internal":     {tests: []string{"cmd/countersign"}},
	"github.com/stretchr/testify":         {uses: []string{"codegen/conformance"}, tests: []string{"*"}},
	"go.uber.org/goleak":                  {tests: []string{"*"}},
	"pgregory.net/rapid":                  {uses: []string{"bot/draw/sample"}, tests: []string{"*"}},
	"gopkg.in/yaml.v3":                    {uses: []string{"approval/books", "internal/slacksim/workspace", "internal/slacksim/webapi", "cmd/countersign"}, tests: []string{"*"}},
	"github.com/cenkalti/backoff":         {uses: []string{"*"}},
	"github.com/aymanbagabas/go-udiff":    {uses: []string{"approval"}},
	"github.com/hiddeco/sshsig":           {uses: []string{"approval/sshkey"}},
	"github.com/aws/aws-sdk-go-v2":        {uses: []string{"internal/outside"}},
	"github.com/aws/smithy-go":            {uses: []string{"internal/outside"}},
	"github.com/nyaruka/phonenumbers":     {uses: []string{"approval/redact"}},
	"golang.org/x":                        {uses: []string{"*"}},
}

// outside are packages of Go that reach the world. A pure room imports none of them; it
// may still have the context of a port that it declares.
var outside = []string{"net/http", "net", "os", "os/exec", "database/sql", "syscall"}

// pure rooms decide and draw, and do nothing.
var pure = []string{"budget", "approval", "approval/books", "approval/reading", "approval/redact", "approval/sshkey", "approval/habits", "approval/pins", "approval/review", "approval/steps", "approval/thread", "approval/verify", "approval/auditing", "bot/ids", "bot/kit", "bot/command", "bot/meant",
	"bot/draw", "bot/draw/handover", "bot/draw/home", "bot/draw/masked", "bot/draw/money", "bot/draw/notice", "bot/draw/pins", "bot/draw/reasons", "bot/draw/verified", "bot/draw/audit"}

func TestEveryRoomIsInThePicture(t *testing.T) {
	t.Parallel()
	there := read(t)
	for folder := range there {
		_, known := rooms[folder]
		require.True(t, known, "%s is not in the picture: say in internal/house what it may import", folder)
	}
	for folder := range rooms {
		require.True(t, there[folder] != nil, "%s is in the picture, and not there", folder)
	}
}

// CONTRIBUTING.md has the table of rooms. A room stands in it by its path, or in the row of the one
// that it lies in, by the rest of its path.
func TestEveryRoomIsInTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	rows := map[string]string{} // by the room that begins it
	for _, row := range strings.Split(section(string(text), "## The rooms"), "\n") {
		cells := strings.Split(row, "|")
		if len(cells) != 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, room := range strings.Split(cells[1], ",") {
			room = strings.Trim(room, " `")
			_, err := os.Stat("../../" + room)
			require.NoError(t, err, "the table of CONTRIBUTING.md has a room that is not there")
			rows[room] = row
		}
	}
	for room := range rooms {
		named := room == "." || rows[room] != ""
		for in := path.Dir(room); !named && in != "."; in = path.Dir(in) {
			named = strings.Contains(rows[in], "`"+strings.TrimPrefix(room, in+"/")+"`")
		}
		require.True(t, named, "%s is not in the table of CONTRIBUTING.md", room)
	}
}

func TestImportsFollowTheArrows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, folder, file string, test bool, imported string) {
		to, ours := within(imported)
		if !ours || to == folder {
			return
		}
		p := rooms[folder]
		require.True(t, covers(p.uses, to) || test && covers(p.tests, to), "%s imports %s: the picture in internal/house has no such arrow", path.Join(folder, file), to)
	})
}

func TestALibraryIsImportedWhereItBelongs(t *testing.T) {
	t.Parallel()
	owners := slices.Collect(maps.Keys(libraries))
	each(t, func(t *testing.T, folder, file string, test bool, imported string) {
		first, _, _ := strings.Cut(imported, "/")
		if _, ours := within(imported); ours || !strings.Contains(first, ".") {
			return
		}
		i := slices.IndexFunc(owners, func(owner string) bool { return imported == owner || strings.HasPrefix(imported, owner+"/") })
		require.GreaterOrEqual(t, i, 0, "%s imports %s: say in internal/house whose it is", path.Join(folder, file), imported)
		l := libraries[owners[i]]
		require.True(t, covers(l.uses, folder) || test && covers(l.tests, folder), "%s imports %s, which belongs to %v (tests: %v)", path.Join(folder, file), imported, l.uses, l.tests)
	})
}

func TestThePureRoomsReachNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, folder, file string, test bool, imported string) {
		if !test && slices.Contains(pure, folder) {
			require.NotContains(t, outside, imported, "%s is pure", path.Join(folder, file))
		}
	})
}

// covers tells whether a list names a folder. "*" names all, "folder/*" those below one.
func covers(list []string, folder string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		below, all := strings.CutSuffix(entry, "*")
		return entry == folder || all && strings.HasPrefix(folder, below)
	})
}

// each calls look with every import of every file.
func each(t *testing.T, look func(t *testing.T, folder, file string, test bool, imported string)) {
	t.Helper()
	for folder, r := range read(t) {
		for file, s := range r.files {
			for _, imported := range s.imports {
				look(t, folder, file, s.test, imported)
			}
		}
	}
}
