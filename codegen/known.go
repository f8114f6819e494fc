package codegen

// Known is what is published of a model beside its price.
type Known struct {
	Model  string
	Window int    // tokens of prompt and answer together
	Answer int    // tokens of the longest answer, with those that it thinks in
	Good   string // what it is good for, for people
	Source string
}

// known lists models of the providers, as their prices do (budget/prices.csv). A model that
// is not here has the window and the longest answer that the settings say. A number that is too
// large makes calls fail at the provider; one that is too small shortens prompts without need.
var known = []Known{
	{"mistral-large-2512", 256_000, 0, "most questions", card},
	{"mistral-medium-3-5", 256_000, 0, "hard questions", card},
	{"mistral-medium-2604", 256_000, 0, "hard questions", card},
	{"mistral-medium-3.5", 256_000, 0, "hard questions", card},
	{"mistral-small-2603", 256_000, 0, "quick and cheap", card},
	{"codestral-2508", 128_000, 0, "quick programs", card + "; other tables say 256k, and the smaller one counts"},
	{"ministral-14b-2512", 256_000, 0, "easy questions, cheaply", card},
	{"ministral-8b-2512", 256_000, 0, "easy questions, cheaply", card},
	{"claude-opus-5-5", 1_000_000, 128_000, "the hardest questions", overview},
	{"claude-sonnet-5-5", 1_000_000, 128_000, "most questions", overview},
	{"claude-haiku-5-5", 1_000_000, 128_000, "quick and cheap", overview},
	{"claude-opus-5", 1_000_000, 128_000, "hard questions", overview},
	{"claude-sonnet-5", 1_000_000, 128_000, "most questions", overview},
	{"claude-haiku-4-5", 200_000, 64_000, "quick and cheap", overview},
	{"claude-haiku-4-5-20251001", 200_000, 64_000, "quick and cheap", overview},
	{"gpt-6.1-sol", 1_050_000, 128_000, "the hardest questions", "Runware and Google's model card of GPT-6.1 Sol; read 2026-11-26"},
	{"gpt-6.1-terra", 1_050_000, 128_000, "most questions", "docs.litellm.ai on GPT-6.1 Terra; read 2026-11-26"},
	{"gpt-6-sol", 1_000_000, 128_000, "hard questions", "inference.sh on GPT-6 Sol as of 2026-10-13"},
	{"gpt-6-luna", 1_050_000, 128_000, "quick and cheap", gateway},
	{"gpt-5.4", 1_050_000, 128_000, "hard questions", gateway},
	{"gpt-5.4-mini", 400_000, 128_000, "most questions", gateway},
	{"gpt-5.4-nano", 400_000, 128_000, "quick and cheap", gateway},
}

const (
	overview = "platform.claude.com, model overviews; read 2026-11-26"
	card     = "docs.mistral.ai model card (mistralai/platform-docs-public, src/schema/models/models, contextLength); read 2026-11-28"
	gateway  = "vercel.com/ai-gateway/models, which link developers.openai.com; read 2026-11-28"
)

// KnownModel returns what is published about a model; ok is false for a model that is not
// listed.
func KnownModel(model string) (k Known, ok bool) {
	for _, k := range known {
		if k.Model == model {
			return k, true
		}
	}
	return Known{}, false
}
