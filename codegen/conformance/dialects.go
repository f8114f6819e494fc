package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"countersign/codegen"
)

// Mistral is Mistral's format: docs.mistral.ai/api, openapi.yaml of 2026-08-21 (ChatCompletionResponse, ContentChunk, HTTPValidationError).
func Mistral() Dialect {
	d := completions("Mistral", "codestral-2508")
	d.chunked, d.ends[codegen.Refused] = true, ""
	// No service tier and no store: Mistral has neither, and refuses fields that it does not know.
	d.ask = func(m map[string]any) string {
		return only(m, "model", "messages", "temperature", "top_p", "max_tokens", "random_seed", "safe_prompt", "stream")
	}
	// The object "error" stands at the top, and not below "error" as with the others.
	d.fault = func(status int, message string) any {
		return map[string]any{"object": "error", "message": message, "type": "invalid_request_error", "param": nil, "code": fmt.Sprint(status)}
	}
	// Mistral's documents have no finish reason for either, so both scenes are left out.
	d.ends[codegen.Filtered] = ""
	return d
}

// OpenAI is OpenAI's format: openai-go v3.98.0 of 2026-11-09, which is generated from OpenAI's specification (CreateChatCompletionResponse, ErrorResponse).
func OpenAI() Dialect {
	d := completions("OpenAI", "gpt-6.1-terra")
	d.writes = true
	d.ask = func(m map[string]any) string {
		// "default" is the price that the list has: "auto" may take a dearer tier. store: nothing is to stay with the provider.
		if m["service_tier"] != "default" || m["store"] != false {
			return "service_tier and store have to be given"
		}
		return only(m, "model", "messages", "max_completion_tokens", "reasoning_effort", "store", "service_tier", "temperature")
	}
	return d
}

// Compatible is what Ollama, vLLM and gateways answer: docs.ollama.com/api/openai-compatibility and
// docs.vllm.ai (reasoning outputs), read 2026-11-26. Content may be a list, as with Mistral's models behind a gateway.
func Compatible() Dialect {
	d := completions("The model's server", "qwen3-coder:30b")
	d.Path, d.chunked = "/gateway/v1/chat/completions", true
	d.ask = func(m map[string]any) string { return only(m, "model", "messages", "max_tokens", "temperature") }
	return d
}

// completions is what they have in common. Where a word of an end is empty, the provider has none, and
// the scene of that end is not played: what a provider cannot say it need not be tried with.
func completions(name, model string) Dialect {
	return Dialect{Name: name, Model: model, Path: "/v1/chat/completions",
		key: bearer,
		ends: map[codegen.End]string{codegen.Whole: "stop", codegen.CutOff: "length", codegen.Tool: "tool_calls", codegen.Filtered: "content_filter",
			codegen.Refused: "stop", codegen.Broken: "error"},
		fault: func(status int, message string) any {
			return map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": nil}}
		},
		say: func(d Dialect, s Said) any {
			message := map[string]any{"role": "assistant", "content": s.Text, "tool_calls": nil}
			if d.Name != "Mistral" {
				message["refusal"] = nil
			}
			switch {
			case d.chunked && (len(s.Chunks) > 0 || s.Thought != ""):
				var parts []any
				if s.Thought != "" {
					parts = append(parts, map[string]any{"type": "thinking", "thinking": []any{map[string]any{"type": "text", "text": s.Thought}}})
				}
				for _, c := range pieces(s) {
					parts = append(parts, map[string]any{"type": "text", "text": c})
				}
				message["content"] = parts
			// Ollama and vLLM put it beside the content.
			case s.Thought != "":
				message["reasoning_content"] = s.Thought // OpenAI itself shows none
			}
			switch s.End {
			case codegen.Tool:
				if !s.Beside {
					message["content"] = nil
				}
				message["tool_calls"] = []any{map[string]any{"id": "call_1", "type": "function", "function": map[string]any{"name": "run", "arguments": "{}"}}}
			// The finish reason is "stop" as with any answer: the field says so alone.
			case codegen.Refused:
				message["content"], message["refusal"] = nil, s.Text
			case codegen.Filtered:
				message["content"] = ""
			}
			choice := map[string]any{"index": 0, "message": message, "finish_reason": d.ends[s.End]}
			if s.End == codegen.Unsaid {
				choice["finish_reason"] = nil
			}
			body := map[string]any{"id": "cmpl-1", "object": "chat.completion", "created": 1, "model": s.Model, "choices": []any{choice}}
			if s.End == codegen.Empty {
				body["choices"] = []any{}
			}
			if !s.NoUsage {
				// Cached tokens are a part of the prompt's here; Anthropic counts them beside it.
				usage := map[string]any{"prompt_tokens": s.Input, "completion_tokens": s.Output, "total_tokens": s.Input + s.Output}
				details := map[string]any{}
				if s.Cached > 0 {
					details["cached_tokens"] = s.Cached
				}
				if d.writes && s.Written > 0 {
					details["cache_write_tokens"] = s.Written
				}
				usage["prompt_tokens_details"] = details
				// Reasoned tokens are a part of completion_tokens: who adds them charges twice.
				if s.Reasoned > 0 {
					usage["completion_tokens_details"] = map[string]any{"reasoning_tokens": s.Reasoned}
				}
				body["usage"] = usage
			}
			return body
		}}
}

// bearer is the key of a call by the Authorization header.
func bearer(h http.Header) string { return strings.TrimPrefix(h.Get("Authorization"), "Bearer ") }

// Claude is Anthropic's format: platform.claude.com/docs/en/api/messages and /errors, read 2026-11-26, and
// anthropic-sdk-go v2.15.0 of 2026-11-24, which is generated from Anthropic's specification.
func Claude() Dialect {
	return Dialect{Name: "Claude", Model: "claude-sonnet-5-5", Path: "/v1/messages", chunked: true, writes: true,
		key: bearer, // since the API's version of 2026-10-21; before it was X-Api-Key
		ends: map[codegen.End]string{codegen.Whole: "end_turn", codegen.CutOff: "max_tokens", codegen.Tool: "tool_use",
			codegen.Refused: "refusal", codegen.Broken: "pause_turn"},
		ask: func(m map[string]any) string {
			// Without it a call may be billed at the priority tier, which the price list does not have.
			if m["service_tier"] != "standard_only" {
				return "service_tier has to be given"
			}
			return only(m, "model", "messages", "max_tokens", "system", "service_tier", "output_config")
		},
		fault: func(status int, message string) any {
			return map[string]any{"type": "error", "error": map[string]any{"type": "api_error", "message": message}, "request_id": "req_1"}
		},
		say: func(d Dialect, s Said) any {
			content := []any{}
			if s.Thought != "" {
				content = append(content, map[string]any{"type": "thinking", "thinking": s.Thought, "signature": "c2ln"})
			}
			for _, c := range pieces(s) {
				content = append(content, map[string]any{"type": "text", "text": c, "citations": nil})
			}
			switch s.End {
			case codegen.Tool:
				if !s.Beside {
					content = nil
				}
				content = append(content, map[string]any{"type": "tool_use", "id": "toolu_1", "name": "run", "input": map[string]any{}})
			case codegen.Empty:
				content = []any{}
			}
			body := map[string]any{"id": "msg_1", "type": "message", "role": "assistant", "model": s.Model, "content": content,
				"stop_reason": d.ends[s.End], "stop_sequence": nil}
			if s.End == codegen.Unsaid {
				body["stop_reason"] = nil
			}
			if s.End == codegen.Empty {
				body["stop_reason"] = "end_turn"
			}
			if !s.NoUsage {
				// input_tokens is what was neither read from the cache nor written into it: the three add up to the prompt.
				body["usage"] = map[string]any{"input_tokens": s.Input - s.Cached - s.Written, "cache_read_input_tokens": s.Cached,
					"cache_creation_input_tokens": s.Written, "output_tokens": s.Output, "service_tier": "standard",
					"output_tokens_details": map[string]any{"thinking_tokens": s.Reasoned}}
			}
			return body
		}}
}

// only names a field that a request must not have. Mistral refuses a call with a field that it does not
// know (422). Where a server ignores one, a setting has no effect, and nobody notices.
func only(m map[string]any, known ...string) string {
	for field := range m {
		if !slices.Contains(known, field) {
			return "Extra inputs are not permitted: " + field
		}
	}
	return ""
}

// pieces are the texts of an answer, whole where it is not cut.
func pieces(s Said) []string {
	if len(s.Chunks) > 0 {
		return s.Chunks
	}
	if s.Text == "" {
		return nil
	}
	return []string{s.Text}
}

// encode is for bodies that are made here, which always marshal.
func encode(v any) []byte {
	body, _ := json.Marshal(v) // strings and numbers only
	return body
}
