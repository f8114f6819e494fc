package gpt

import (
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"

	"countersign/codegen"
)

// request puts a call into OpenAI's words (openai-go v3.98.0, which is generated from
// OpenAI's specification). To OpenAI itself goes what keeps the price at the one that was
// looked up and the prompt out of its storage. Other servers get what all of them know
// (docs.ollama.com/api/openai-compatibility, read 2026-11-26).
func (g *GPT) request(call codegen.Call) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: call.Model}
	for _, t := range call.Turns {
		switch t.Role {
		case codegen.System:
			p.Messages = append(p.Messages, openai.SystemMessage(t.Text))
		case codegen.User:
			p.Messages = append(p.Messages, openai.UserMessage(t.Text))
		case codegen.Assistant:
			p.Messages = append(p.Messages, openai.AssistantMessage(t.Text))
		}
	}
	// max_tokens is the older name, which every server that is like OpenAI's knows; OpenAI itself wants the new one for models
	// that think.
	if g.own {
		p.MaxTokens = param.NewOpt(int64(call.MaxTokens))
		p.Temperature = param.NewOpt(0.2)
		return p
	}
	p.MaxCompletionTokens = param.NewOpt(int64(call.MaxTokens)) // with the tokens that it thinks in
	p.Store = param.NewOpt(false)
	p.ServiceTier = openai.ChatCompletionNewParamsServiceTierDefault // a project may have a dearer one as its own
	if thinks(call.Model) {
		p.ReasoningEffort = shared.ReasoningEffort(g.effort)
	} else {
		p.Temperature = param.NewOpt(0.2) // those that think refuse any
	}
	return p
}

// thinks tells whether a model of OpenAI's reasons before it answers.
func thinks(model string) bool {
	for _, family := range []string{"gpt-5", "gpt-6", "o1", "o3", "o4"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}

// ends are the finish reasons of chat completions.
var ends = map[string]codegen.End{"stop": codegen.Whole, "length": codegen.CutOff, "tool_calls": codegen.Tool,
	"function_call": codegen.Tool, "content_filter": codegen.Filtered, "": codegen.Unsaid}

// answer takes the first choice. Reasoning stands apart from the text with all of these
// servers (reasoning, reasoning_content: vLLM, Ollama), so that it is not in Content.
func answer(c *openai.ChatCompletion, asked string) codegen.Answer {
	u := c.Usage
	a := codegen.Answer{End: codegen.Empty, Usage: codegen.Used(asked, snapshot(asked, c.Model), int(u.PromptTokens), int(u.PromptTokensDetails.CachedTokens),
		int(u.PromptTokensDetails.CacheWriteTokens), output(u))}
	if len(c.Choices) == 0 {
		return a
	}
	choice := c.Choices[0]
	// One that is not in the table is the empty End, which becomes Broken.
	a.Text, a.Said, a.End = choice.Message.Content, choice.FinishReason, ends[choice.FinishReason]
	switch {
	case a.End == "":
		a.End = codegen.Broken
	case choice.Message.Refusal != "":
		a.Text, a.End = choice.Message.Refusal, codegen.Refused
	case len(choice.Message.ToolCalls) > 0 && a.Text == "":
		a.End = codegen.Tool
	}
	// Content is a text with the library; a list of texts stands in the raw answer alone.
	if text, isList := codegen.Texts([]byte(choice.Message.JSON.Content.Raw())); isList {
		a.Text = text
	}
	return a
}

// output is what came back. OpenAI counts the tokens that a model thought in among
// completion_tokens; a server that counts them apart shows it by a larger total.
func output(u openai.CompletionUsage) int {
	return int(max(u.CompletionTokens, u.TotalTokens-u.PromptTokens))
}

// snapshot takes the date off the name of an answer's model, where the rest is the one
// that was asked: a dated snapshot has its model's price.
func snapshot(asked, answered string) string {
	date, ok := strings.CutPrefix(answered, asked+"-")
	if ok && len(date) == len("2026-01-31") && strings.Trim(date, "0123456789-") == "" {
		return asked
	}
	return answered
}
