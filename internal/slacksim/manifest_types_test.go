package slacksim_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"countersign"
)

// The published form of Slack's manifest schema that comes as a dependency: the
// type of what @slack/web-api sends to apps.manifest.validate. At its top it takes
// any key, so the first line keeps only those that it names.
const typed = `import type { AppsManifestValidateArguments } from "@slack/web-api";
type Published = AppsManifestValidateArguments["manifest"];
type Named = { [Key in keyof Published as string extends Key ? never : Key]: Published[Key] };
export const manifest: Named = `

const strictly = `{
  "compilerOptions": { "strict": true, "noEmit": true, "exactOptionalPropertyTypes": true,
    "target": "es2022", "module": "nodenext", "skipLibCheck": true, "types": ["node"] },
  "include": ["*.mts"]
}`

// typeCheck holds each manifest against Slack's published type, in one run of the
// TypeScript compiler, and returns what it says.
func typeCheck(t *testing.T, manifests map[string]map[string]any) (said string, err error) {
	t.Helper()
	node := nodeFor(t)
	modules, err := filepath.Abs(filepath.Join(clients, "node_modules"))
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Symlink(modules, filepath.Join(folder, "node_modules")))
	for name, manifest := range manifests {
		literal, err := json.MarshalIndent(manifest, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".mts"), append([]byte(typed), literal...), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tsconfig.json"), []byte(strictly), 0o600))
	ctx, stop := context.WithTimeout(context.Background(), soon)
	defer stop()
	tsc := exec.CommandContext(ctx, node, filepath.Join(modules, "typescript", "bin", "tsc"), "--pretty", "false", "--project", folder)
	tsc.Dir = folder
	out, err := tsc.CombinedOutput()
	return string(out), err
}

func manifestTree(t *testing.T) (tree map[string]any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(countersign.Manifest, &tree))
	return tree
}

// unknownScope is a scope that the published type does not list, though it lists the view and the
// events that go with it, and Slack documents the scope (docs.slack.dev/reference/scopes/assistant.write).
const unknownScope = "assistant:write"

// typedTree is the manifest without that scope.
func typedTree(t *testing.T) map[string]any {
	t.Helper()
	tree := manifestTree(t)
	scopes := part(t, tree, "oauth_config", "scopes")
	scopes["bot"] = slices.DeleteFunc(scopes["bot"].([]any), func(scope any) bool { return scope == unknownScope })
	return tree
}

func TestTheManifestIsOfSlacksPublishedType(t *testing.T) {
	t.Parallel()
	said, err := typeCheck(t, map[string]map[string]any{"manifest": typedTree(t), "whole": manifestTree(t)})
	require.Error(t, err, "the type lists the scope now: hold the whole manifest against it")
	require.Regexp(t, `\Awhole\.mts\([0-9,]+\): error TS2322: Type '"assistant:write"' is not assignable to type 'BotScope'\.\s*\z`, said)
}

// part is the settings group to which the keys lead.
func part(t *testing.T, tree map[string]any, keys ...string) map[string]any {
	t.Helper()
	for _, key := range keys {
		next, ok := tree[key].(map[string]any)
		require.True(t, ok, key)
		tree = next
	}
	return tree
}

// Each of these is the real manifest with one key set wrongly, and the compiler names every one.
func TestAWrongManifestIsNotOfSlacksPublishedType(t *testing.T) {
	t.Parallel()
	faults := map[string]struct {
		group []string
		key   string
		value any
		says  string
	}{
		"top-key":  {nil, "feature", map[string]any{}, `'"feature"' does not exist`},
		"key":      {[]string{"features", "app_home"}, "home_tab", true, `'"home_tab"' does not exist`},
		"no-name":  {nil, "display_information", map[string]any{}, `Property 'name' is missing`},
		"type":     {[]string{"settings"}, "socket_mode_enabled", "yes", `Type 'string' is not assignable to type 'boolean`},
		"scope":    {[]string{"oauth_config", "scopes"}, "bot", []any{"commands", "chat:writes"}, `Type '"chat:writes"' is not assignable`},
		"event":    {[]string{"settings", "event_subscriptions"}, "bot_events", []any{"app_mentions"}, `Type '"app_mentions"' is not assignable`},
		"shortcut": {[]string{"features"}, "shortcuts", []any{map[string]any{"type": "channel"}}, `Type '"channel"' is not assignable`},
	}
	spoiled := map[string]map[string]any{}
	for name, fault := range faults {
		tree := typedTree(t)
		part(t, tree, fault.group...)[fault.key] = fault.value
		spoiled[name] = tree
	}
	said, err := typeCheck(t, spoiled)
	require.Error(t, err, "the compiler found nothing wrong")
	for name, fault := range faults {
		require.Regexp(t, `(?m)^`+name+`\.mts\(.*`+fault.says, said)
	}
}
