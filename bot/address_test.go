package bot

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is called is put behind the address as it is, so the address ends with a slash, however it was said.
func TestTheAddressOfSlackEndsWithASlash(t *testing.T) {
	t.Parallel()
	for said, is := range map[string]string{"": "", "https://slack.example/api": "https://slack.example/api/", "https://slack.example/api/": "https://slack.example/api/"} {
		require.Equal(t, is, New(Options{APIURL: said, BotToken: "xoxb-1", AppToken: "xapp-1"}).slackAPI.APIURL)
	}
}
