package steps

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// fetched counts how often a file was asked of Slack.
func (b *bundle) fetched() (n int) {
	for _, point := range b.faults.passed {
		if point == "Fetch.before" {
			n++
		}
	}
	return n
}

// again asks the same about the same file, as somebody else.
func (b *bundle) again() *approval.Request {
	b.t.Helper()
	q := question()
	q.Asker = "somebody else"
	r, err := b.Ask(b.t.Context(), q)
	require.NoError(b.t, err)
	b.work()
	return b.request(r.ID)
}

func TestAFileIsReadInABoxBeforeAModelIsAskedAndPaidForOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	require.Equal(t, []string{"sales.csv"}, b.box.read)
	require.Equal(t, int64(1), r.Files[0].Reading.Tables[0].Rows)
	require.Equal(t, r.Files[0].Reading.SHA256(), r.Files[0].ReadAs)
	require.Equal(t, r.Files[0].Reading, b.writer.briefs[0].Files[0].Reading)
	require.Equal(t, 1, b.count(r.ID, approval.EventRead))
	spends := b.spends(r.ID, budget.ForRead)
	require.Len(t, spends, 1)
	require.Equal(t, int64(300), spends[0].Charges[0].BoxMS)
	require.Zero(t, b.open(r.ID))

	// Slack shows the same file again: neither a box nor a byte of it is needed.
	fetched := b.fetched()
	other := b.again()
	require.Equal(t, approval.Pending, other.State, other.Reason)
	require.Equal(t, []string{"sales.csv"}, b.box.read)
	require.Equal(t, fetched, b.fetched())
	require.Equal(t, r.Files[0].Reading, other.Files[0].Reading)
	require.Empty(t, b.spends(other.ID, budget.ForRead))

	// The same bytes under another name are fetched, and known by what they hold.
	b.slack.put("F2", "a,b\n1,2\n")
	q := question()
	q.Files = []approval.File{{ID: "F2", Name: "other.csv", Size: 8}}
	third, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(third.ID).State)
	require.Equal(t, []string{"sales.csv"}, b.box.read)
	require.Equal(t, fetched+1, b.fetched())
}

// Another channel, another desk and another template know nothing of it.
func TestAReadingIsKeptForItsChannelItsDeskAndItsTemplate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.pending()
	q := question()
	q.Project = "C2"
	_, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Len(t, b.box.read, 2)
	b.box.upgrade = ".1"
	b.again()
	require.Len(t, b.box.read, 3)
}

func TestAFileThatEndsItsBoxTwiceRestsBeforeItGetsAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = []func(InputFile) (Readout, error){dies, dies}
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "sales.csv is not read. The sandbox ended while this file was being read, and so did another. It can be tried again in five minutes; where that goes wrong as well, in an hour, and then in a day.", reasons.Words(r.Reason))
	require.Len(t, b.spends(r.ID, budget.ForRead), 2)
	require.Zero(t, b.open(r.ID))
	require.Empty(t, b.writer.briefs)

	other := b.again()
	require.Equal(t, approval.Failed, other.State)
	require.Equal(t, r.Reason, other.Reason)
	require.Len(t, b.box.read, 2, "no box")
	require.Empty(t, b.spends(other.ID, budget.ForRead))

	b.slack.put("F2", "a\n1\n2\n")
	q := question()
	q.Files = []approval.File{{ID: "F2", Name: "good.csv", Size: 6}}
	good, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(good.ID).State, "it hurts nobody else")

	b.store.pass(approval.Rests[0] + time.Minute)
	require.Equal(t, approval.Pending, b.again().State, "minutes later it gets a box again")
}

// A file that takes the whole process down with it was counted before it was touched.
func TestAFileThatEndsTheReplicaIsTriedTwiceByWhomever(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ends := func(InputFile) (Readout, error) { panic(errCrash) }
	b.box.reads = []func(InputFile) (Readout, error){ends, ends}
	r := b.ask()
	require.Len(t, b.work(), 2)
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, approval.WhyNotRead, r.Reason.Code)
	require.Len(t, b.box.read, 2)
	require.Len(t, b.spends(r.ID, budget.ForRead), 1, "the first is charged in full; the second is uncertain until a sweep finds it")
	require.True(t, b.spends(r.ID, budget.ForRead)[0].Estimated)
	require.Equal(t, approval.Failed, b.again().State)
	require.Len(t, b.box.read, 2)
}

func TestWhatABoxSaysOfAFileEndsTheQuestionInWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = append(b.box.reads, unreadable("old_excel"))
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "sales.csv is not read. This is an old Excel file (.xls). Open it and save it as .xlsx or CSV.", reasons.Words(r.Reason))
	b.store.pass(30 * 24 * time.Hour)
	require.Equal(t, approval.Failed, b.again().State)
	require.Len(t, b.box.read, 1, "what lies in the file stays with it")
}

// A box that could not be had says nothing of the file.
func TestNoBoxIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		b.faults.fail("ReadFile.before", &BoxError{Err: errCrash, Words: "No box."})
		r := b.again()
		require.Equal(t, approval.Failed, r.State)
		require.Equal(t, "No box.", reasons.Words(r.Reason))
		require.Zero(t, b.open(r.ID))
	}
	require.Equal(t, approval.Pending, b.again().State)
}

// What a box has said is kept before it is booked: after a crash no other box is asked.
func TestACrashAfterTheBoxHasSpokenCostsNoSecondBox(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"KeepReading.after", "commit read.before", "commit read.after"} {
		b := setup(t)
		b.faults.kill(point)
		r := b.ask()
		require.Len(t, b.work(), 1, point)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, point)
		require.Len(t, b.box.read, 1, point)
		require.Len(t, b.spends(r.ID, budget.ForRead), 1, point)
		require.Equal(t, point == "KeepReading.after", b.spends(r.ID, budget.ForRead)[0].Estimated, point)
		require.Zero(t, b.open(r.ID), point)
	}
}

// A budget need not bear the reading and the draft at once.
func TestAReadingIsHeldInPlaceOfTheDraftWhereMoneyIsTight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	worst, err := b.DraftCost("m1", b.store.now())
	require.NoError(t, err)
	b.limit(budget.User, "asker", worst+100*budget.MicroDollar, budget.Month, budget.LimitPolicy{})
	r := b.pending()
	require.Len(t, b.spends(r.ID, budget.ForRead), 1)
	require.Zero(t, b.open(r.ID))
}

func TestAQuestionThatIsTakenBackWhileItsFileIsReadGoesNoFurther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
		_, err := b.store.Update(context.Background(), r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw("asker", now) })
		return Readout{Answer: fakeRead(textOf(f)), Box: time.Second}, err
	})
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Withdrawn, r.State)
	require.Len(t, b.spends(r.ID, budget.ForRead), 1, "it is paid for")
	require.Empty(t, b.writer.briefs)
	require.Zero(t, b.open(r.ID))
}

// A file that has changed since is read anew before people see what would run now. The money
// of the run pays for that.
func TestAChangedFileIsReadAnewWhenItsSealBreaks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	b.slack.put("F1", "a,b\n1,2\n3,4\n")
	require.Empty(t, b.work())
	r := b.request(was.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, int64(2), r.Files[0].Reading.Tables[0].Rows)
	require.NotEqual(t, was.Files[0].ReadAs, r.Files[0].ReadAs)
	require.GreaterOrEqual(t, b.spends(r.ID, budget.ForRun)[0].Charges[0].BoxMS, int64(300), "the box that reads it, and the one that was to run")
	require.Zero(t, b.box.starts())
}

// Slack cannot give a file now: the question waits, and no box is counted.
func TestAFileThatSlackDoesNotGiveIsReadLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.faults.fail("Fetch.before", errors.New("slack is away"))
	r := b.ask()
	require.Len(t, b.work(), 1)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Len(t, b.box.read, 1)
}

// doubtful has the box say of the next file what only its asker can decide.
func doubtful(f InputFile) (Readout, error) {
	out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
	t := &out.Answer.Reading.Tables[0]
	t.Columns[0] = reading.Column{Name: "amount", Type: "text", DType: "object", Thousands: "."}
	t.Columns = append(t.Columns, reading.Column{Name: "day", Type: "text", DType: "object"})
	t.Odd = []reading.Odd{{Code: "ambiguous_thousands", Column: "amount", Count: 3}, {Code: "ambiguous_dates", Column: "day", Count: 3}}
	return out, nil
}

func TestWhatABoxCannotDecideTheAskerIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = append(b.box.reads, doubtful)
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Asking, r.State)
	require.Zero(t, b.open(r.ID), "nothing is held while it waits")
	require.Empty(t, b.writer.briefs, "no model has seen anything")
	_, d, key, ok := r.Doubted()
	require.True(t, ok)
	require.Equal(t, reading.Doubt{Code: "ambiguous_thousands", Column: "amount", Sign: "."}, d)

	var no *approval.NotAllowedError
	_, err := b.Answer(t.Context(), r.ID, key, "thousands", by("R1"))
	require.ErrorAs(t, err, &no)
	var move *approval.MoveError
	for _, wrong := range [][2]string{{"other", "thousands"}, {key, "day_first"}, {key, ""}} {
		_, err = b.Answer(t.Context(), r.ID, wrong[0], wrong[1], by("asker"))
		require.ErrorAs(t, err, &move)
	}
	require.Equal(t, approval.Asking, b.request(r.ID).State)

	_, err = b.Answer(t.Context(), r.ID, key, "thousands", by("asker"))
	require.NoError(t, err)
	require.Empty(t, b.work())
	_, err = b.Answer(t.Context(), r.ID, key, "decimal", by("asker"))
	require.ErrorAs(t, err, &move, "a late click answers no other question")
	r = b.request(r.ID)
	require.Equal(t, approval.Asking, r.State, "one question at a time")
	_, d, key, _ = r.Doubted()
	require.Equal(t, "day", d.Column)
	_, err = b.Answer(t.Context(), r.ID, key, "month_first", by("asker"))
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 2, b.count(r.ID, approval.EventAnswered))
	columns := b.writer.briefs[0].Files[0].Tables()[0].Columns
	require.Equal(t, reading.Column{Name: "amount", Type: "integer", DType: "int64", Decimal: ",", Thousands: ".", DecimalSaid: true}, columns[0])
	require.Equal(t, reading.Column{Name: "day", Type: "date", DType: "datetime64[ns]"}, columns[1])
	require.Len(t, b.box.read, 1, "nothing is read again for it")
	require.Zero(t, b.open(r.ID))

	// It was said in this thread: in another one the same is asked anew.
	other := b.again()
	require.Equal(t, approval.Asking, other.State)
	require.Equal(t, "text", other.Files[0].Tables()[0].Columns[0].Type)
	q := question()
	q.Files, q.ThreadTS, q.Follow = nil, b.store.sessions[r.SessionID].ThreadTS, true
	next, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, b.work())
	next = b.request(next.ID)
	require.Equal(t, approval.Pending, next.State, "in this one it is known")
	require.Equal(t, "integer", next.Files[0].Tables()[0].Columns[0].Type)
}

func TestAQuestionThatIsNotAnsweredExpiresOrIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = append(b.box.reads, doubtful)
	r := b.ask()
	require.Empty(t, b.work())
	b.store.pass(b.Policy.Expiry)
	require.NoError(t, b.Sweep(t.Context()))
	r = b.request(r.ID)
	require.Equal(t, approval.Expired, r.State)
	require.Equal(t, approval.WhyNotAnswered, r.Reason.Code)

	other := b.again()
	require.Equal(t, approval.Asking, other.State)
	_, err := b.Withdraw(t.Context(), other.ID, approval.Click{Team: "T1", User: "somebody else"})
	require.NoError(t, err)
	require.Equal(t, approval.Withdrawn, b.request(other.ID).State)
}

// What was said is kept also where there is no money to go on with.
func TestAnAnswerWithoutMoneyWaitsForIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = append(b.box.reads, doubtful)
	r := b.ask()
	require.Empty(t, b.work())
	b.limit(budget.User, "asker", budget.Cent, budget.Month, budget.LimitPolicy{})
	_, _, key, _ := b.request(r.ID).Doubted()
	_, err := b.Answer(t.Context(), r.ID, key, "text", by("asker"))
	require.NoError(t, err)
	r = b.request(r.ID)
	require.Equal(t, approval.Drafting, r.State)
	require.NotNil(t, r.Blocked)
	require.Len(t, r.Files[0].Answers, 1)
	require.Zero(t, b.open(r.ID))
}
