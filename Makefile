# `make demo` and `make test` are all that a newcomer needs. Both install what is
# missing first (tools/setup lists it before).

GO ?= go
GOFLAGS += -trimpath
# On a machine that is busy with other things the suite takes long; it hangs nowhere.
TIMEOUT ?= 2h
export GOFLAGS

.PHONY: demo test build ui cover bench lint clean
.DEFAULT_GOAL := build

# Plays one round, then keeps serving. ONCE=1: exits after the round, 0 only if
# every step happened. RESET=1: forgets what earlier demos left.
demo: setup-demo build
	@bin/countersign demo $(if $(RESET),-reset) $(if $(ONCE),-once)

# Everything: race detector, real Postgres, real sandbox, real browser.
test: setup-test libexec/runsc
	$(GO) vet ./...
	$(GO) test -race -timeout $(TIMEOUT) ./...

build: setup-build libexec/runsc
	$(GO) build -o bin/countersign ./cmd/countersign

# gVisor, pinned in tools/go.mod, which keeps its modules out of ours.
libexec/runsc: tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 $(GO) build -ldflags='-s -w' -o ../libexec/runsc gvisor.dev/gvisor/runsc
	@touch $@

# The page of the local Slack. What it builds is committed, so nobody else needs Node.
ui:
	cd internal/slacksim/page && npm ci && npm run build

# Coverage of the product's statements by the whole suite, per package and in all.
# Fails below 90 %. Packages that exist for tests only do not count.
cover: setup-test libexec/runsc
	$(GO) test -timeout $(TIMEOUT) -coverpkg=./... -coverprofile=coverage.out ./...
	@tools/cover coverage.out

# Figures from one run on this machine: compare within a run, not between machines.
bench: setup-test libexec/runsc
	$(GO) test -run '^$$' -bench 'BenchmarkCountersign|BenchmarkDecisions' -benchtime 1x -timeout $(TIMEOUT) ./cmd/countersign
	$(GO) test -run '^$$' -bench 'BenchmarkHolds|BenchmarkBudgetShow' -benchtime 1x -timeout $(TIMEOUT) ./storage
	$(GO) test -run '^$$' -bench BenchmarkInspection -benchtime 1x -timeout $(TIMEOUT) ./sandbox/local

.PHONY: setup-build setup-demo setup-test
setup-build setup-demo setup-test:
	@GO='$(GO)' tools/setup $(@:setup-%=%)

# Linters that CI does not need: they come through the module proxy.
lint:
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

clean:
	rm -rf bin libexec coverage.out

# Money, proved on a real Postgres by ten thousand operations of two processes, drawn
# by rapid, while one of them is killed. It prints a table and ends with `N passed, M failed`.
.PHONY: prove-money
prove-money: setup-test
	@mkdir -p bin && rm -f bin/prove-money.txt
	@PROVE_OPS=10000 PROVE_REPORT=$(CURDIR)/bin/prove-money.txt \
		$(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestProveMoney$$' ./storage >bin/prove-money.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/prove-money.log; \
		cat bin/prove-money.txt 2>/dev/null || echo '0 passed, 1 failed'; exit $$status

# The review, proved: hostile and honest programs read in a real box, what is shown
# held against what runs. Tests called TestProveReview... of these packages write
# its rows, through internal/proof. Ends with `N passed, M failed`.
PROVE_REVIEW = ./approval ./bot ./storage ./sandbox/local
.PHONY: prove-review
prove-review: setup-test libexec/runsc
	@mkdir -p bin && rm -f bin/prove-review.txt && touch bin/prove-review.txt
	@PROVE_REPORT=$(CURDIR)/bin/prove-review.txt \
		$(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestProveReview' $(PROVE_REVIEW) >bin/prove-review.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/prove-review.log; \
		awk -F '\t' -v status=$$status '{ printf "%s  %-70s  %s\n", $$1, $$2, $$3; if ($$1 == "passed") passed++; else failed++ } \
			END { if (!failed && (status || !NR)) failed = 1; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' bin/prove-review.txt

# Slack as it may be, proved: stored blocks that differ from what was sent, refusals,
# channels and files that go away, and an office of ten people who ask two hundred
# questions on a bad day. PROVE_SEED=N plays the same again. Ends with `N passed, M failed`.
PROVE_SLACK = ./bot ./approval ./internal/slacksim ./cmd/countersign
.PHONY: prove-slack
prove-slack: setup-test libexec/runsc
	@mkdir -p bin && rm -f bin/prove-slack.txt && touch bin/prove-slack.txt
	@PROVE_REPORT=$(CURDIR)/bin/prove-slack.txt \
		$(GO) test -count=1 -timeout $(TIMEOUT) -run '^TestProveSlack' $(PROVE_SLACK) >bin/prove-slack.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/prove-slack.log; \
		awk -F '\t' -v status=$$status '{ printf "%s  %-70s  %s\n", $$1, $$2, $$3; if ($$1 == "passed") passed++; else failed++ } \
			END { if (!failed && (status || !NR)) failed = 1; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' bin/prove-slack.txt

# What a release needs beside a green suite: prices that somebody has looked at within
# sixty days. It depends on the day, so it is no part of `make test`.
.PHONY: release-check
release-check:
	RELEASE_CHECK=1 $(GO) test -count=1 -run '^TestRelease$$' ./budget

# Reading, proved: awkward files are read in a real box, loaded by their readings in
# another one, and held against the right value of each; bombs hurt their box only.
# Tests called TestProveReading... write its rows. Ends with `N passed, M failed`.
PROVE_READING = ./sandbox/local ./cmd/countersign
.PHONY: prove-reading
prove-reading: setup-test libexec/runsc
	@mkdir -p bin && rm -f bin/prove-reading.txt && touch bin/prove-reading.txt
	@PROVE_REPORT=$(CURDIR)/bin/prove-reading.txt \
		$(GO) test -count=1 -timeout 15m -run '^TestProveReading' $(PROVE_READING) >bin/prove-reading.log 2>&1; status=$$?; \
		[ $$status = 0 ] || cat bin/prove-reading.log; \
		awk -F '\t' -v status=$$status '{ printf "%s  %-45s  %s\n", $$1, $$2, $$3; if ($$1 == "passed") passed++; else failed++ } \
			END { if (!failed && (status || !NR)) failed = 1; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' bin/prove-reading.txt
