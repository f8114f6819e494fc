# `make demo` and `make test` are all that a newcomer needs. Both install what is
# missing first (tools/setup lists it before).

GO ?= go
# No debugger looks at what is built here (releases: tools/release), so nothing is written for one. Two libraries are each a million
# lines of generated code, of which a few are used: without inlining they compile in half the time.
GENERATED = github.com/anthropics/anthropic-sdk-go/... github.com/openai/openai-go/... github.com/aws/aws-sdk-go-v2/service/s3
GOFLAGS += -trimpath -gcflags=all=-dwarf=false $(foreach from,$(GENERATED),"-gcflags=$(from)=-dwarf=false -l")
# On a machine that is busy with other things the suite takes long; it hangs nowhere.
TIMEOUT ?= 2h

# How many tests of a package run beside one another. Most of them wait most of the time.
PARALLEL ?= 4
export GOFLAGS

# gVisor is a program for Linux. Elsewhere code runs in E2B's cloud.
RUNSC = $(if $(filter Linux,$(shell uname -s)),libexec/runsc)

.PHONY: demo test build ui cover bench lint clean
.DEFAULT_GOAL := build

# Plays one round, then keeps serving. ONCE=1: exits after the round, 0 only if
# every step happened. RESET=1: forgets what earlier demos left.
demo: setup-demo build
	@bin/countersign demo $(if $(RESET),-reset) $(if $(ONCE),-once)

# For `go test` by hand: export GOFLAGS="$(make -s flags)" compiles as make does.
.PHONY: flags
flags:
	@printf '%s\n' '$(strip $(GOFLAGS))'

# Everything: format, vet, staticcheck, then the tests with race detector, real Postgres,
# real sandbox, real browser. tools/suite says in which order; of the end-to-end tests a drawn tenth has the race detector
# and of their proofs that are one case each a drawn tenth runs. PROVE_SEED=N draws the same again.
test: prepared lint
	@GO='$(GO)' tools/suite -timeout $(TIMEOUT) -parallel $(PARALLEL)

# gVisor compiles while packages are fetched: it needs none of them.
.PHONY: prepared
prepared: setup-build
	+@$(MAKE) --no-print-directory -j2 setup-test libexec/runsc

# The whole suite with race detector, proofs included that are one case each.
.PHONY: prove-races
prove-races: setup-test libexec/runsc
	$(GO) test -count=1 -race -timeout $(TIMEOUT) -parallel $(PARALLEL) ./...

build: setup-build $(RUNSC)
	$(GO) build -o bin/countersign ./cmd/countersign
	CGO_ENABLED=0 $(GO) build -o bin/countersign-verify ./cmd/countersign-verify

# gVisor, pinned in tools/go.mod, which keeps its modules out of ours. GOGC: a compiler that tidies up its memory less often
# takes a tenth less time.
libexec/runsc: tools/go.mod tools/go.sum
	cd tools && GOGC=300 CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o ../libexec/runsc gvisor.dev/gvisor/runsc
	@touch $@

# The page of the local Slack. What it builds is committed, so nobody else needs Node.
ui:
	cd internal/slacksim/page && npm ci && npm run build

# What pg_dump says of a database after all migrations: the schema in one look.
.PHONY: schema
schema: setup-test
	$(GO) test -count=1 -run '^TestTheSchemaInOneLook$$' ./storage -update

# Coverage of the product's statements by the whole suite, per package and in all.
# Fails below 90 %. Packages that exist for tests only do not count.
cover: setup-test libexec/runsc
	$(GO) test -timeout $(TIMEOUT) -coverpkg=./... -coverprofile=coverage.out ./...
	@tools/cover coverage.out

# Figures from one run on this machine: compare within a run, not between machines.
# Only the round trips to Postgres are the same on all of them (TestRoundTrips).
# What benchmarks report through internal/bench becomes a page, bin/bench.html (tools/bench). BEFORE=COMMIT measures that
# commit in turn with ours. GROW=100000 says how many requests the large database of BenchmarkGrowth has.
BENCHES = $(foreach level,1 20 40 memory,./cmd/countersign BenchmarkBolt/^$(level)$$) \
	./cmd/countersign BenchmarkRound|BenchmarkCountersign|BenchmarkDecisions|BenchmarkGrowth \
	./storage BenchmarkHolds|BenchmarkBudgetShow \
	./sandbox/local BenchmarkInspection|BenchmarkWitness|BenchmarkReading
bench: setup-test libexec/runsc
	@GO='$(GO)' TIMEOUT='$(TIMEOUT)' BEFORE='$(BEFORE)' tools/bench $(foreach word,$(BENCHES),'$(word)')

.PHONY: setup-build setup-demo setup-test
setup-build setup-demo setup-test:
	@GO='$(GO)' tools/setup $(@:setup-%=%)

# staticcheck is pinned in a module of its own, which keeps its modules out of ours and
# out of gVisor's. Both look at the race build, which `make test` compiles anyway.
lint: setup-build
	@unformatted=$$(git ls-files --cached --others --exclude-standard '*.go' | xargs gofmt -l); \
		[ -z "$$unformatted" ] || { echo "gofmt would change:" $$unformatted; exit 1; }
	GOGC=300 $(GO) vet -race ./...
	@$(GO) build -modfile=tools/lint/go.mod -o libexec/staticcheck honnef.co/go/tools/cmd/staticcheck
	GOFLAGS='$(GOFLAGS) -race' libexec/staticcheck ./...

clean:
	rm -rf bin libexec dist coverage.out

# Cuts a release of what is committed here: its migrations stay as they are from then on, CHANGELOG.md has its date, and the
# commit says so. make cut VERSION=v0.1.0, after make test and make release-check.
.PHONY: cut
cut: setup-build release-check
	@GO='$(GO)' tools/cut '$(VERSION)'

# Static programs for linux/amd64 and linux/arm64, what is in them, and their checksums, in
# dist. release-twice builds the same commit in another folder as well and compares.
.PHONY: release release-twice
release: setup-build
	@GO='$(GO)' tools/release dist

release-twice: release
	@other=$$(mktemp -d) && trap 'rm -rf "$$other"' EXIT && git clone -q . "$$other/elsewhere" && \
		GO='$(GO)' "$$other/elsewhere/tools/release" "$$other/dist" >/dev/null && \
		diff dist/SHA256SUMS "$$other/dist/SHA256SUMS" && echo 'The same bytes twice.'

# Money, proved on a real Postgres by ten thousand operations of two processes, drawn
# by rapid, while one of them is killed. It prints a table and ends with `N passed, M failed`.
.PHONY: prove-money
prove-money: setup-test
	@mkdir -p bin && rm -f bin/prove-money.txt
	@PROVE_OPS=10000 PROVE_REPORT=$(CURDIR)/bin/prove-money.txt \
		$(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestProveMoney$$' ./storage >bin/prove-money.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/prove-money.log; \
		cat bin/prove-money.txt 2>/dev/null || echo '0 passed, 1 failed'; exit $$status

# The other proofs are tests called TestProve... of a few packages, which write rows
# through internal/proof; here they run whole, in the suite a drawn tenth of each does.
# PROVE_SEED=N draws the same again. Each ends with `N passed, M failed`.
#
#   prove-review   hostile and honest programs read in a real box, and what the witness says of hostile
#                  ones that run in one; how harmful code ends that was approved; what is shown against what runs
#   prove-slack    Slack as it may be: blocks that come back otherwise, whatever cards and replies can be drawn, refusals,
#                  channels and files that go away, and an office of ten people who ask two hundred questions on a bad day
#   prove-reading  awkward files read and loaded in real boxes, each held against its right value; bombs;
#                  odd tables under every program of the demo's model
#   prove-crash    a replica that is killed, or told to stop, anywhere; an E2B that fails for a while
#   prove-endurance  three replicas of the real binary under siege, for five minutes or FOR=30m: kills, hangs, stops, restarts, a Postgres
#                  that goes away, crashes, has no disk left or another clock, and a Slack, a model and a cloud that fail
#                  (PROVE_LOG=FILE keeps what the replicas logged)
#   prove-growth   what people do and what happens by itself reads no more of a history ten times as long
#   prove-audit    packs and a live database that somebody tampers with in eleven ways; 32 writers leave one
#                  log; a pack of 100,000 entries verifies in 200 MB
#   prove-models   every provider of models on loopback, in its own format: answers, refusals, failures and
#                  what they cost; where data goes, fallbacks and their holds; and those whose keys are set for real, by one small call each
#   prove-conversation  a model that asks in place of a guess, answered in three ways; chats of the assistant view; a thread of forty turns within
#                  its budgets of tokens and money, and on every model of the price list; summaries that fail; which files
#                  people mean; what a model may answer; answers that are verified
#   prove-operations  each way in which Countersign is delivered plays a run: a release, the two images, the unit of
#                  systemd (those that this machine can start: tools/operations); two versions
#                  on one database, of which one is built from Git (the last release, or BEFORE=COMMIT); migrations, and samples
#                  of what they may do, on ten million rows while people write and read (ROWS=N: on fewer), which want 12 GB of disk
.PHONY: prove-operations
prove-operations: TESTS = Operations
prove-operations: PACKAGES = ./cmd/countersign ./migrations
prove-operations: export PROVE_ROWS = $(ROWS)
prove-operations: export PROVE_WAYS = $(shell tools/operations ways)
prove-operations: export PROVE_RELEASED = $(shell tools/operations former)
prove-operations-build: setup-build
	@GO='$(GO)' tools/operations build
.PHONY: prove-operations-build
.PHONY: prove-growth prove-review prove-slack prove-reading prove-crash prove-endurance prove-models prove-audit prove-conversation
prove-review: TESTS = Review
prove-review: PACKAGES = ./approval ./approval/steps ./bot ./storage ./sandbox/local ./sandbox/e2b ./cmd/countersign
prove-slack: TESTS = Slack
prove-slack: PACKAGES = ./bot ./cmd/countersign
prove-reading: TESTS = Reading
prove-reading: PACKAGES = ./sandbox/local ./codegen/standin ./cmd/countersign
prove-crash: TESTS = Crash
prove-crash: PACKAGES = ./cmd/countersign
prove-endurance: TESTS = Endurance
prove-endurance: PACKAGES = ./cmd/countersign
prove-endurance: export PROVE_BINARY = $(CURDIR)/bin/countersign
prove-endurance: build
prove-models: TESTS = Models
prove-models: PACKAGES = ./codegen/mistral ./codegen/claude ./codegen/gpt ./approval/steps ./cmd/countersign
prove-audit: TESTS = Audit
prove-audit: PACKAGES = ./internal/pack ./storage
prove-conversation: TESTS = Conversation
prove-conversation: PACKAGES = ./cmd/countersign
prove-growth: TESTS = Growth
prove-growth: PACKAGES = ./cmd/countersign
prove-operations: prove-operations-build
prove-growth prove-operations prove-review prove-slack prove-reading prove-crash prove-endurance prove-models prove-audit prove-conversation: setup-test libexec/runsc
	@mkdir -p bin && rm -f bin/$@.txt && touch bin/$@.txt
	@PROVE_REPORT=$(CURDIR)/bin/$@.txt \
		$(GO) test -count=1 -timeout $(TIMEOUT) -parallel $(PARALLEL) -run '^TestProve$(TESTS)' $(PACKAGES) >bin/$@.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/$@.log; \
		awk -F '\t' -v status=$$status '{ printf "%s  %-70s  %s\n", $$1, $$2, $$3; if ($$1 == "passed") passed++; else failed++ } \
			END { if (!failed && (status || !NR)) failed = 1; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' bin/$@.txt

# What a release needs beside a green suite: prices that somebody has looked at within
# sixty days. It depends on the day, so it is no part of `make test`.
.PHONY: release-check
release-check:
	RELEASE_CHECK=1 $(GO) test -count=1 -run '^TestRelease$$' ./budget
