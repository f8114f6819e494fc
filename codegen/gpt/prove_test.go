package gpt

import (
	"testing"
	"time"

	"countersign/codegen"
	"countersign/codegen/conformance"
)

func TestProveModelsGPT(t *testing.T) {
	t.Parallel()
	d := conformance.OpenAI()
	conformance.Run(t, d, func(address, key string, timeout time.Duration) (codegen.Provider, error) {
		g, err := New(Options{APIKey: key, BaseURL: address, Models: []string{d.Model}, Timeout: timeout})
		g.own, g.about.Name = false, house.Name // it is OpenAI's format, though not OpenAI's address
		return g, err
	})
}

func TestProveModelsCompatible(t *testing.T) {
	t.Parallel()
	d := conformance.Compatible()
	conformance.Run(t, d, func(address, key string, timeout time.Duration) (codegen.Provider, error) {
		return New(Options{APIKey: key, BaseURL: address + "/gateway/v1/", Models: []string{d.Model}, Timeout: timeout})
	})
}
