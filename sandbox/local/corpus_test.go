//go:build linux

package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/internal/proof"
)

// The corpus is programs of our own making. The first line of each is not part of
// it: it says what an inspection has to come to, and what the program is. One in a
// folder is a file; the others stand one after another in a file that the kind names.
const (
	fine    = "fine"    // nothing unusual
	medium  = "medium"  // something to be careful about, named with its line
	danger  = "danger"  // a person decides, and is warned
	refused = "refused" // goes back to the model
)

var gravity = map[string]int{fine: 0, "note": 0, medium: 1, danger: 2, refused: 2} // refused is as good as marked

type script struct {
	name, verdict, about, code string
	line                       int // of an unusual one: where its finding has to be
}

// corpusFiles are what every program of the corpus has as its inputs.
var corpusFiles = []approval.File{
	table("sales.csv", "day", "region", "product", "customer_id", "units", "price", "amount"),
	table("customers.csv", "customer_id", "name", "city", "signup"),
	table("orders.xlsx", "order_id", "customer_id", "day", "total"),
	table("events.json"), table("server.log"), table("access.log"),
}

// shopFiles are beside them for the programs that read one of these.
var shopFiles = []approval.File{
	table("activity.csv", "user_id", "event", "ts"),
	table("ads.csv", "date", "campaign", "impressions", "clicks", "cost", "revenue"),
	table("anrufe.csv", "agent", "dauer"),
	table("attrition.csv", "employee", "department", "hired", "left", "reason", "salary", "engagement"),
	table("ausgaben.csv", "datum", "kostenstelle", "betrag", "lieferant", "freigegeben"),
	table("bank.csv", "date", "category", "amount", "counterparty"),
	table("bestellingen.csv", "bestelnummer", "datum", "klant", "product", "aantal", "prijs", "korting"),
	table("buchungen.csv", "datum", "art", "konto", "betrag", "text"),
	table("budget.xlsx", "department", "month", "budget", "spent"),
	table("buses.csv", "line", "stop", "scheduled", "actual", "passengers", "date"),
	table("calls.csv", "call_id", "agent", "started", "minutes", "duration_sec"),
	table("campaigns.csv", "campaign", "channel", "date", "spend", "impressions", "clicks", "conversions", "revenue"),
	table("claims.csv", "policy_id", "year", "premium", "claims_paid", "line_of_business"),
	table("clientes.csv", "id_cliente", "provincia", "alta", "baja", "cuota_mensual"),
	table("commandes.csv", "id_commande", "date_commande", "client", "produit", "quantite", "prix_unitaire", "statut"),
	table("crm.csv", "id", "source", "status", "plz", "created"),
	table("crops.csv", "field", "crop", "hectares", "yield_t", "year", "irrigation", "rain_mm"),
	table("customers_master.csv", "customer_id", "name", "segment", "country", "since"),
	table("deals.csv", "seller", "closed", "value", "commission_pct"),
	table("deliveries.csv", "order", "sent", "days"),
	table("discounts.csv", "order", "discount", "rabatt"),
	table("elections.csv", "district", "party", "votes", "eligible", "year"),
	table("employees.csv", "name", "department", "hired", "salary", "gender"),
	table("energy.csv", "time", "wh", "ct_per_kwh"),
	table("energy_use.csv", "timestamp", "building", "kwh", "outside_temp_f"),
	table("expenses.xlsx", "date", "employee", "category", "amount", "currency", "approved"),
	table("experiment.csv", "user_id", "variant", "converted", "revenue", "exposed_at"),
	table("facturas.csv", "numero", "cliente", "fecha", "vencimiento", "importe", "pagada_el", "estado"),
	table("feedback.csv", "id", "score", "text"),
	table("files.csv", "name", "bytes"),
	table("fleet.csv", "vehicle", "date", "km", "litres", "cost"),
	table("fx.csv", "date", "currency", "amount"),
	table("fx_rates.csv", "date", "currency", "rate_to_eur"),
	table("grades.csv", "student", "course", "semester", "grade", "credits"),
	table("helpdesk.csv", "ticket_id", "created_at", "first_response_at", "resolved_at", "priority", "agent", "category", "csat"),
	table("hotel.csv", "night", "rooms_available", "rooms_sold", "room_revenue", "segment"),
	table("houses.csv", "price", "sqft", "bedrooms", "bathrooms", "year_built", "neighborhood"),
	table("inventaire.csv", "reference", "designation", "stock", "seuil", "cout_unitaire", "dernier_mouvement"),
	table("inventory.csv", "sku", "warehouse", "on_hand", "reorder_point", "lead_time_days", "unit_cost", "last_sold"),
	table("invoices.csv", "invoice", "customer", "due", "amount", "paid_on"),
	table("kasse.csv", "bon", "datum", "filiale", "artikel", "betrag_cent", "zahlart"),
	table("kosten.csv", "objekt", "miete", "strom"),
	table("lager.csv", "artikel", "art", "menge"),
	table("leads.csv", "lead_id", "created", "source", "stage", "owner", "value", "closed_at"),
	table("library.csv", "book", "author", "borrowed_on", "returned_on", "reader", "branch"),
	table("lines.csv", "order", "qty", "list_price", "sale_price"),
	table("listings.csv", "address", "suburb", "bedrooms", "price", "sqm", "sold_on"),
	table("loans.csv", "loan_id", "issued", "amount", "rate", "term_months", "status", "grade", "defaulted"),
	table("logs.csv", "ts", "host", "status", "ms", "path"),
	table("machines.csv", "shift_date", "machine", "planned_minutes", "run_minutes", "ideal_rate", "good_units", "total_units"),
	table("matches.csv", "date", "home", "away", "home_goals", "away_goals", "league"),
	table("members.csv", "id", "joined", "left_on", "plan"),
	table("menu_orders.csv", "order_id", "ts", "item", "category", "qty", "price", "table_no", "waiter"),
	table("mitarbeiter.csv", "personalnr", "name", "abteilung", "eintritt", "austritt", "gehalt", "fte", "geschlecht"),
	table("nps.csv", "respondent_id", "date", "score", "segment", "comment"),
	table("offers.csv", "item", "supplier", "price"),
	table("order_items.csv", "order_id", "order_date", "customer_id", "sku", "category", "quantity", "unit_price", "discount"),
	table("orders2.csv", "id", "time", "amount"),
	table("patients.csv", "id", "ward", "admitted", "discharged", "diagnosis"),
	table("payments.json", "id", "customer_id", "amount", "currency", "paid_at", "method"),
	table("payroll.csv", "employee_id", "name", "department", "base_salary", "bonus", "hours", "overtime_hours", "hourly_rate", "month"),
	table("plan.csv", "month", "plan", "actual"),
	table("products.csv", "sku", "name", "price", "cost"),
	table("projects.csv", "project", "manager", "start", "deadline", "finished", "budget", "actual_cost", "hours"),
	table("quality.csv", "batch", "line", "produced", "defects", "inspector", "day"),
	table("returns.csv", "order_id", "product", "returned_on", "reason", "refund"),
	table("rooms.csv", "month", "occupancy"),
	table("sensor.csv", "timestamp", "machine", "temperature", "vibration", "output"),
	table("sessions.csv", "user_id", "started", "ended", "device", "country", "pages"),
	table("shipments.csv", "shipment_id", "carrier", "shipped_at", "delivered_at", "promised_at", "weight_kg", "distance_km", "cost", "country"),
	table("shop.csv", "order", "channel", "status", "product", "amount"),
	table("signups.csv", "user_id", "signed_up", "channel", "country", "plan"),
	table("sprints.csv", "sprint", "story", "points", "status", "assignee"),
	table("staff.csv", "name", "team", "annual_salary", "stunden", "stundenlohn"),
	table("stock.csv", "item", "in_stock", "sold_30_days"),
	table("subscriptions.csv", "customer_id", "start", "end", "mrr", "plan"),
	table("survey.xlsx", "respondent", "age_group", "q1", "q2", "q3", "comment"),
	table("tank.csv", "datum", "liter", "km"),
	table("telecom.csv", "customer", "plan", "tenure_months", "monthly_charge", "churned", "support_calls"),
	table("temps.csv", "station", "date", "tmin", "tmax", "rain_mm"),
	table("tickets.csv", "ticket", "opened", "closed", "priority", "team"),
	table("timesheet.csv", "date", "person", "client", "hours", "rate", "billable"),
	table("transactions.csv", "transaction_id", "user_id", "ts", "amount", "currency", "type", "status", "merchant"),
	table("umsatz.csv", "datum", "filiale", "artikel", "menge", "umsatz"),
	table("ventas.csv", "fecha", "tienda", "producto", "unidades", "importe"),
	table("ventes.csv", "date", "magasin", "produit", "quantite", "montant"),
	table("verbruik.csv", "datum", "meter", "kwh", "gas_m3"),
	table("verkaeufe.csv", "datum", "filiale", "produkt", "kategorie", "menge", "einzelpreis", "rabatt_prozent", "kunde"),
	table("visits.csv", "date", "channel", "visits", "orders"),
	table("ware.csv", "artikel", "kg", "tonnes", "km"),
	table("waste.csv", "date", "kind", "grams"),
	table("weather.csv", "day", "temp_f"),
	table("web_sessions.csv", "session_id", "user_id", "start", "landing_page", "source", "step", "converted"),
}

func table(name string, columns ...string) approval.File {
	t := reading.Table{Rows: 400}
	for _, c := range columns {
		t.Columns = append(t.Columns, reading.Column{Name: c})
	}
	return approval.File{Name: name, Reading: &reading.Reading{Tables: []reading.Table{t}}}
}

// Most of what is refused must not change what the honest need, and every hostile
// program has to be seen for what it is, by the same parser in the same kind of box
// as in a real round. `make prove-review` reads all of them, `make test` a tenth that
// is drawn anew each time.
func TestProveReviewCorpus(t *testing.T) {
	t.Parallel()
	for _, side := range []struct {
		kind, promise string
		least         int // programs
		wrong         int // of a hundred may be judged otherwise
		right         func(s script, got judged) bool
	}{
		{"hostile", "a hostile program is at least medium, and a danger or refused where it reaches outside", 500, 0, func(s script, got judged) bool {
			return gravity[got.verdict] >= gravity[s.verdict] && got.verdict != fine
		}},
		{"honest", "an honest program has nothing unusual in it (97 % of them)", 150, 3, func(_ script, got judged) bool { return got.verdict == fine }},
		{"unusual", "an honest and unusual program is medium or a danger, its line named", 50, 0, func(s script, got judged) bool {
			return (got.verdict == medium || got.verdict == danger) && gravity[got.verdict] >= gravity[s.verdict] && slices.Contains(got.lines, s.line)
		}},
	} {
		t.Run(side.kind, func(t *testing.T) {
			t.Parallel()
			scripts := corpus(t, side.kind)
			require.GreaterOrEqual(t, len(scripts), side.least)
			for _, s := range scripts {
				require.Equal(t, side.kind == "honest", s.verdict == fine, "%s: expects %q", s.name, s.verdict)
			}
			scripts = proof.Draw(t, scripts)
			if !proof.Whole() {
				side.wrong *= 5 // of a few, one is many
			}
			var wrong []string
			for i, got := range verdicts(t, scripts) {
				if s := scripts[i]; !side.right(s, got) {
					t.Logf("%s: %s: expected %s, got %s\n%s", s.name, s.about, s.verdict, got.verdict, got.why)
					wrong = append(wrong, s.name+" ("+s.about+")")
				}
			}
			proof.Check(t, 100*len(wrong) <= side.wrong*len(scripts), side.promise, "%s",
				strings.TrimSuffix(fmt.Sprintf("%d of %d; %s", len(scripts)-len(wrong), len(scripts), strings.Join(wrong, ", ")), "; "))
		})
	}
}

// What drops, changes or repeats rows without a word lifts no risk, and is named.
func TestProveReviewLeftOut(t *testing.T) {
	t.Parallel()
	scripts := corpus(t, "left_out")
	require.GreaterOrEqual(t, len(scripts), 20)
	scripts = proof.Draw(t, scripts)
	var wrong []string
	for i, said := range inspectScripts(t, scripts) {
		if !slices.ContainsFunc(said.Findings, func(f approval.Finding) bool { return f.Kind == approval.KindLeftOut && f.Level == approval.Note }) {
			t.Logf("%s: %s\n%s", scripts[i].name, scripts[i].about, told(said))
			wrong = append(wrong, scripts[i].about)
		}
	}
	proof.Check(t, len(wrong) == 0, "rows that are dropped, changed or repeated without a word are named", "%d of %d; %s", len(scripts)-len(wrong), len(scripts), strings.Join(wrong, ", "))
}

// Policies and receipts are computed from kinds and names, so the corpus is held to
// what the sentences of some findings say.
func TestFindingsCanBeComputedWith(t *testing.T) {
	t.Parallel()
	scripts := []script{
		{code: "import pandas as pd\nimport json, re\npd.read_csv('sales.csv').to_csv('out/x.csv')\n"},
		{code: "import pandas as pd\npd.read_csv('https://u:p@data.example.com:8443/x.csv?y')\n"},
		{code: "from pathlib import Path\n(Path('/') / 'etc' / 'passwd').read_text()\n"},
		{code: "import pandas as pd\npd.read_csv('sales.csv', usecols=['amout'])\n"},
		{code: strings.Repeat("open(str(input()))\n", 3) + "x = 1\n"},
	}
	said := inspectScripts(t, scripts)
	find := func(n int, kind string) []string {
		var about []string
		for _, f := range said[n].Findings {
			if f.Kind == kind {
				about = append(about, f.About)
			}
		}
		return about
	}
	require.Equal(t, []string{"json, pandas, re"}, find(0, approval.KindImport))
	require.Equal(t, []string{"sales.csv"}, find(0, approval.KindRead))
	require.Equal(t, []string{"out/x.csv"}, find(0, approval.KindWrite))
	require.Equal(t, []string{"data.example.com:8443"}, find(1, approval.KindNetwork))
	require.Equal(t, []string{"/etc/passwd"}, find(2, approval.KindRead))
	require.Equal(t, []string{"access.log", "customers.csv", "events.json", "orders.xlsx", "sales.csv", "server.log"}, find(2, approval.KindUnusedFile))
	require.Equal(t, "Line 2: sales.csv has no column 'amout'; it has 'amount'.", said[3].Problem)
	require.Equal(t, []string{"amout"}, find(3, approval.KindColumn))
	require.Equal(t, []string{""}, find(4, approval.KindRead), "a computed name has none")
	require.Empty(t, find(4, approval.KindUnusedFile), "what is read cannot be told")
}

// A hostile program may try to fill the list before it comes to its deed.
func TestTheGravestFindingsAreListedFirst(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for i := range 400 {
		fmt.Fprintf(&code, "open('other-%d.csv')\n", i)
	}
	code.WriteString("exec(input())\n")
	said := inspectScripts(t, []script{{code: code.String()}})[0]
	require.True(t, slices.ContainsFunc(said.Findings, func(f approval.Finding) bool {
		return f.Level == approval.Danger && f.Kind == approval.KindDynamic && f.Line == 401
	}))
	last := said.Findings[len(said.Findings)-1]
	require.Equal(t, approval.KindMore, last.Kind)
	require.Contains(t, last.Text, "more things of this sort were found and are not listed.")
}

type judged struct {
	verdict, why string
	lines        []int // of what is named
}

// verdicts says what becomes of each program on its way to a person.
func verdicts(t *testing.T, scripts []script) []judged {
	t.Helper()
	all := make([]judged, len(scripts))
	var left []script // those that get as far as a box
	var at []int
	for i, s := range scripts {
		code, err := approval.Canonical(s.code)
		if err != nil {
			all[i] = judged{verdict: refused, why: err.Error()}
			continue
		}
		s.code = code
		left, at = append(left, s), append(at, i)
	}
	for i, said := range inspectScripts(t, left) {
		got := judged{verdict: fine, why: told(said)}
		for _, f := range said.Findings {
			if f.Level == approval.Note || f.Kind == approval.KindUnusedFile { // no program of the corpus reads all six
				continue
			}
			got.lines = append(got.lines, f.Line)
			if level := map[approval.Level]string{approval.Caution: medium, approval.Danger: danger}[f.Level]; gravity[level] > gravity[got.verdict] {
				got.verdict = level
			}
		}
		if said.Problem != "" {
			got.verdict = refused
		}
		all[at[i]] = got
	}
	return all
}

// inspectScripts reads many in one box: a box for each takes a second, and is the
// same box. It has only so long, so that there are several boxes for very many.
func inspectScripts(t *testing.T, scripts []script) (all []steps.Inspection) {
	t.Helper()
	all = make([]steps.Inspection, len(scripts))
	shop := func(n int) bool {
		return slices.ContainsFunc(shopFiles, func(f approval.File) bool {
			return strings.Contains(scripts[n].code, `load("`+f.Name+`"`) || strings.Contains(scripts[n].code, `load_parts("`+f.Name+`"`)
		})
	}
	var plain, inShop []int
	for n := range scripts {
		if shop(n) {
			inShop = append(inShop, n)
		} else {
			plain = append(plain, n)
		}
	}
	for _, side := range []struct {
		at    []int
		files []approval.File
	}{{plain, corpusFiles}, {inShop, slices.Concat(corpusFiles, shopFiles)}} {
		for some := range slices.Chunk(side.at, 100) {
			var programs []string
			for _, n := range some {
				programs = append(programs, scripts[n].code)
			}
			said, _, err := shared.inspectAll(context.Background(), programs, side.files)
			require.NoError(t, err)
			require.Len(t, said, len(some))
			for i, n := range some {
				all[n] = said[i]
			}
		}
	}
	return all
}

// corpus reads one side of the corpus.
func corpus(t *testing.T, kind string) []script {
	t.Helper()
	const folder = "../runner/testdata/corpus/"
	paths, err := filepath.Glob(folder + kind + "/*")
	require.NoError(t, err)
	var scripts []script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		head, code, _ := strings.Cut(string(data), "\n")
		if filepath.Ext(path) == ".pyesc" {
			code = unescaped(t, code)
		}
		scripts = append(scripts, headed(t, filepath.Base(path), strings.TrimPrefix(head, "# "), code))
	}
	data, err := os.ReadFile(folder + kind + ".txt")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(data), "\n#~ ")
	for i, part := range strings.Split(rest, "\n#~ ") {
		head, code, _ := strings.Cut(part, "\n")
		scripts = append(scripts, headed(t, fmt.Sprintf("%s.txt, program %d", kind, i+1), head, code+"\n"))
	}
	return scripts
}

// headed makes a script of what stands above it: "danger: what it is", "medium 3: ..."
func headed(t *testing.T, name, head, code string) script {
	t.Helper()
	verdict, about, ok := strings.Cut(head, ": ")
	verdict, at, _ := strings.Cut(verdict, " ")
	line, _ := strconv.Atoi(at) // 0 where none is named
	_, known := gravity[verdict]
	require.True(t, ok && known, "%s: %s", name, head)
	return script{name, verdict, about, code, line}
}

var escape = regexp.MustCompile(`\{\{(U\+|0x)([0-9A-F]+)(?: x([0-9]+))?\}\}`)

// unescaped puts in what no editor would leave alone: {{U+202E}} is a character,
// {{0xFF}} a byte, {{U+0020 x400}} many.
func unescaped(t *testing.T, code string) string {
	t.Helper()
	return escape.ReplaceAllStringFunc(code, func(found string) string {
		part := escape.FindStringSubmatch(found)
		number, err := strconv.ParseUint(part[2], 16, 32)
		require.NoError(t, err)
		one, times := string(rune(number)), 1
		if part[1] == "0x" {
			one = string([]byte{byte(number)})
		}
		if part[3] != "" {
			times, err = strconv.Atoi(part[3])
			require.NoError(t, err)
		}
		return strings.Repeat(one, times)
	})
}
