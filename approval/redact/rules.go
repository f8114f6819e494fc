package redact

import (
	"math"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Kind is what sort of value a rule finds.
type Kind string

// The kinds.
const (
	Secret Kind = "secret"
	Email  Kind = "e-mail"
	Phone  Kind = "phone number"
	IBAN   Kind = "IBAN"
	Added  Kind = "hidden" // by a rule that administrators have added
)

// Personal tells that it says something of a person, where a secret opens a door.
func (k Kind) Personal() bool { return k != Secret }

// rule finds values of one kind. With a group in its expression, the group is the value.
type rule struct {
	name string
	kind Kind
	sign string // stands in whatever fits the form, so that a text without it need not be looked through; empty: nothing does
	form *regexp.Regexp
	is   func(value string) bool // nil: the form is enough
}

func secret(name, sign, form string) rule {
	return rule{name: name, kind: Secret, sign: sign, form: regexp.MustCompile(form)}
}

// standing are the rules that always hold. A whole scanner (gitleaks, betterleaks) brings hundreds
// of rules and a configuration of its own; these are the tokens that end up in questions and
// data of a team, each in the form that its issuer publishes.
var standing = []rule{
	secret("Slack token", "x", `\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[0-9]-[A-Za-z0-9-]{10,250}|\bxoxe\.xox[bp]-[A-Za-z0-9-]{10,250}`),                  // docs.slack.dev/authentication/tokens
	secret("Slack webhook", "https://hooks.slack", `https://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,120}`),                // docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
	secret("GitHub token", "g", `\bgh[opsur]_[A-Za-z0-9]{36,251}|\bgithub_pat_[A-Za-z0-9_]{22,251}`),                                                          // docs.github.com, "About authentication to GitHub"
	secret("GitLab token", "gl", `\bgl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_.-]{20,250}`),                                                                     // docs.gitlab.com/security/tokens
	secret("AWS key", "A", `\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b`),                                                                                         // docs.aws.amazon.com/IAM, reference_identifiers
	secret("Google key", "AIza", `\bAIza[A-Za-z0-9_-]{35}`),                                                                                                   // cloud.google.com/docs/authentication/api-keys
	secret("Google OAuth token", "", `\bya29\.[A-Za-z0-9_-]{20,500}|\bGOCSPX-[A-Za-z0-9_-]{28}`),                                                              // developers.google.com/identity/protocols/oauth2
	secret("OpenAI key", "sk-", `\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,250}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}`),                              // platform.openai.com/docs/api-reference/authentication
	secret("Anthropic key", "sk-ant-", `\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,250}`),                                                                            // docs.claude.com/en/api/overview
	secret("E2B key", "e2b_", `\b(?:e2b|sk_e2b)_[0-9a-f]{40}\b`),                                                                                              // e2b.dev/docs/api-key
	secret("Langfuse key", "k-lf-", `\b[sp]k-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`),                                                               // langfuse.com/docs/api
	secret("Hugging Face token", "hf_", `\bhf_[A-Za-z0-9]{30,60}\b`),                                                                                          // huggingface.co/docs/hub/security-tokens
	secret("Stripe key", "k_", `\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,250}`),                                                                                   // docs.stripe.com/keys
	secret("SendGrid key", "SG.", `\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`),                                                                               // docs.sendgrid.com/ui/account-and-settings/api-keys
	secret("npm token", "npm_", `\bnpm_[A-Za-z0-9]{36}\b`),                                                                                                    // docs.npmjs.com/about-access-tokens
	secret("PyPI token", "pypi-AgE", `\bpypi-AgE[A-Za-z0-9_-]{50,500}`),                                                                                       // pypi.org/help/#apitoken
	secret("web token", "eyJ", `\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),                                                          // RFC 7519
	secret("private key", "-----BEGIN ", `-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)`), // RFC 7468
	secret("storage key", "", `(?i)\b(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}={0,2})`),                                                           // learn.microsoft.com, storage-configure-connection-string
	secret("password in an address", "://", `\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"'<>]{0,100}:([^\s/@"'<>]{3,200})@`),                                           // RFC 3986, 3.2.1
	// What is called a secret and looks drawn by chance: gitleaks' generic-api-key, with the same bound of its entropy.
	{name: "secret by its name", kind: Secret, is: drawn,
		form: regexp.MustCompile(`(?i)(?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|bearer)["']?\s{0,3}(?:[:=]{1,2}|=>)?\s{0,3}["']?([A-Za-z0-9+/_.=~-]{16,200})`)},
	{name: "e-mail address", kind: Email, sign: "@", form: regexp.MustCompile(`(?:[\p{L}\p{N}._%+-]|\\u[0-9a-fA-F]{4})+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,}`)}, // RFC 5321, as people write it
	{name: "IBAN", kind: IBAN, form: regexp.MustCompile(`\b[A-Z]{2}[0-9]{2}(?:[ \x{a0}-]?[A-Z0-9]){11,30}`)},                                                                           // ISO 13616
	{name: "phone number", kind: Phone, sign: "+", form: regexp.MustCompile(`(?:^|[^\p{L}\p{N})\]+])(\+[ (]{0,2}[1-9](?:[ \x{a0}()./-]{0,2}[0-9]){6,14})`), is: called},                // ITU E.164
	{name: "phone number", kind: Phone, sign: "00", form: regexp.MustCompile(`(?:^|[^\p{L}\p{N}.,\s]|[^\p{N}\s]\s)(00[1-9][0-9]{0,2}[ \x{a0}./-](?:[ \x{a0}()./-]{0,2}[0-9]){6,13})`), is: called},
	{name: "phone number", kind: Phone, form: regexp.MustCompile(`(?i)\b(?:tel|phone|telephone|telefon|mobile|mobil|handy|fax|cell)(?:[ _-]?(?:no|nr|number|nummer))?\b[.:]{0,2}\s{0,3}(\(?[0-9](?:[ \x{a0}()./-]{0,2}[0-9]){6,14})`)},
}

// called tells whether a number can be one of its country's: of the right length, with a prefix
// that is in use.
func called(value string) bool {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, value)
	if !strings.HasPrefix(value, "+") {
		digits = strings.TrimPrefix(digits, "00")
	}
	n, err := phonenumbers.Parse("+"+digits, "ZZ")
	return err == nil && phonenumbers.IsPossibleNumber(n)
}

// drawn tells whether a text looks drawn by chance: letters and digits, and more than three and a
// half bits in each sign. The name of a column has fewer.
func drawn(value string) bool {
	// Upper and lower case are the same only where there is no letter.
	if !strings.ContainsAny(value, "0123456789") || strings.ToUpper(value) == strings.ToLower(value) {
		return false
	}
	count, entropy := map[rune]float64{}, 0.0
	for _, r := range value {
		count[r]++
	}
	for _, n := range count {
		p := n / float64(len(value))
		entropy -= p * math.Log2(p)
	}
	return entropy >= 3.5
}

// ibanLengths are those of the countries in the registry of IBANs (ISO 13616, release 99).
var ibanLengths = func() map[string]int {
	lengths := map[string]int{}
	for n, countries := range map[int]string{15: "NO", 16: "BE", 18: "DK FK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
		22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
		28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU"} {
		for country := range strings.FieldsSeq(countries) {
			lengths[country] = n
		}
	}
	return lengths
}()

// iban is how many bytes of a text are one: as many signs as its country's have, with the right
// checksum; 0 where it is none.
func iban(text string) int {
	// The form has found at least fifteen signs, so there are two letters. Others may follow the IBAN directly, which is
	// why the country's own length says where it ends.
	want, at, rest := ibanLengths[text[:2]], 0, 0
	var signs []rune
	for i, r := range text {
		if r == ' ' || r == '-' || r == '\u00a0' {
			continue
		}
		signs = append(signs, r)
		if at = i + len(string(r)); len(signs) == want {
			break
		}
	}
	if want == 0 || len(signs) != want {
		return 0
	}
	// ISO 7064, mod 97-10: the country and the check digits go to the end, and letters count from A as 10. Taken digit by
	// digit, so that no number becomes larger than an int.
	for _, r := range append(signs[4:], signs[:4]...) {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	if rest != 1 {
		return 0
	}
	return at
}
