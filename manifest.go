// Package countersign holds the Slack app's manifest, which is pasted into Slack
// by whoever connects a workspace, and which the local Slack of the demo reads; and
// the settings with their reasons, as a new .env begins.
// The program itself begins in cmd/countersign, its tour in approval/doc.go.
package countersign

import _ "embed"

// Manifest is manifest.yaml.
//
//go:embed manifest.yaml
var Manifest []byte

// Example is .env.example.
//
//go:embed .env.example
var Example string
