package mistral

import (
	"testing"
	"time"

	"countersign/codegen"
	"countersign/codegen/conformance"
)

func TestProveModelsMistral(t *testing.T) {
	t.Parallel()
	d := conformance.Mistral()
	conformance.Run(t, d, func(address, key string, timeout time.Duration) (codegen.Provider, error) {
		return New(Options{APIKey: key, BaseURL: address, Models: []string{d.Model}, Timeout: timeout})
	})
}
