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
	{"codestral-2508", 256_000, 0, "quick programs", "LlamaIndex, model table; read 2026-11-26"},
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
}

const overview = "platform.claude.com, model overviews; read 2026-11-26"

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
