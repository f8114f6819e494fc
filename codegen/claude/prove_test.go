package claude

import (
	"testing"
	"time"

	"countersign/codegen"
	"countersign/codegen/conformance"
)

func TestProveModelsClaude(t *testing.T) {
	t.Parallel()
	d := conformance.Claude()
	conformance.Run(t, d, func(address, key string, timeout time.Duration) (codegen.Provider, error) {
		return New(Options{APIKey: key, BaseURL: address, Models: []string{d.Model}, Timeout: timeout})
	})
}
