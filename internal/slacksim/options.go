package slacksim

import "countersign/internal/slacksim/workspace"

// Options describe a workspace and the app that is installed in it. The zero
// value is the default workspace with the default app.
type Options = workspace.Options

// Timing is how long Slack waits for things. A zero field means Slack's value.
type Timing = workspace.Timing
