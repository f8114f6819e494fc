package webapi

import (
	"countersign/internal/slacksim/workspace"
)

// What an app does in threads of the assistant view. A status line may stand under any thread;
// a title and prompts belong to threads that Slack began as chats (docs.slack.dev,
// reference/methods/assistant.threads.*, read 2026-11-27).
var assistantMethods = map[string]method{
	"assistant.threads.setStatus":           {'b', []string{"chat:write", "assistant:write"}, setStatus},
	"assistant.threads.setTitle":            {'b', []string{"assistant:write"}, setTitle},
	"assistant.threads.setSuggestedPrompts": {'b', []string{"assistant:write"}, setPrompts},
}

// setStatus shows "is thinking..." under a thread until the app posts there.
func setStatus(c *call) (workspace.Body, error) {
	s := c.s
	to, err := s.Target(c.Text("channel_id"))
	if err != nil {
		return nil, err
	}
	ts := c.Text("thread_ts")
	if s.Memory.Message(to.ID, ts) == nil {
		return nil, workspace.Refuse("invalid_thread_ts")
	}
	s.SetStatusLocked(to.ID, ts, c.Text("status"))
	return workspace.Body{}, nil
}

// chat finds the thread that a call is about.
func (c *call) chat() (*workspace.StoredMessage, error) {
	to, err := c.s.Target(c.Text("channel_id"))
	if err != nil {
		return nil, err
	}
	if !c.s.App.Assistant {
		return nil, workspace.Refuse("feature_not_enabled")
	}
	root := c.s.Memory.Message(to.ID, c.Text("thread_ts"))
	if root == nil || root.Chat == nil {
		return nil, workspace.Refuse("invalid_thread_ts")
	}
	return root, nil
}

func setTitle(c *call) (workspace.Body, error) {
	root, err := c.chat()
	if err != nil {
		return nil, err
	}
	if !c.Has("title") {
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] missing required field: title")
	}
	c.s.Title(root, c.Text("title"))
	return workspace.Body{}, nil
}

// setPrompts takes at most four, each with a title and a message.
func setPrompts(c *call) (workspace.Body, error) {
	root, err := c.chat()
	if err != nil {
		return nil, err
	}
	var prompts []workspace.Prompt
	if err := c.Into("prompts", &prompts); err != nil {
		return nil, workspace.Refuse("invalid_arguments", err.Error())
	}
	for _, p := range prompts {
		if p.Title == "" || p.Message == "" {
			return nil, workspace.Refuse("invalid_arguments", "[ERROR] a prompt needs a title and a message")
		}
	}
	if len(prompts) > workspace.MostPrompts {
		return nil, workspace.Refuse("invalid_arguments", "[ERROR] no more than 4 items allowed [json-pointer:/prompts]")
	}
	c.s.Suggest(root, c.Text("title"), prompts)
	return workspace.Body{}, nil
}
