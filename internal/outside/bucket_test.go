package outside

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// store is a bucket as S3 may legally be: errors in XML, SlowDown, a page of two objects at a time, a 200 whose body is an
// error, refusals of a lock, and conditions on writes.
type store struct {
	mu      sync.Mutex
	objects map[string]string
	until   map[string]string // the locks
	noLock  bool              // the bucket was made without
	slow    int               // calls that are told to slow down
	lies    int               // writes that are answered 200 and not done
	calls   int
}

func newS3(t *testing.T) (*store, *Bucket) {
	t.Helper()
	s := &store{objects: map[string]string{}, until: map[string]string{}}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	return s, s.opened(t, server.URL, server.Client().Transport)
}

func (s *store) opened(t *testing.T, url string, through http.RoundTripper) *Bucket {
	t.Helper()
	b, err := NewBucket(BucketAt{URL: url, Region: "eu-central-1", Bucket: "kept", Key: "AKIA", Secret: "secret", Days: 30, Transport: through})
	require.NoError(t, err)
	return b
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>`, code, message)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	body, _ := io.ReadAll(r.Body)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	there, has := s.objects[key]
	switch {
	case s.slow > 0:
		s.slow--
		refuse(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case bucket != "kept":
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIA/"):
		refuse(w, http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case r.Method == http.MethodGet && key == "":
		s.list(w, r)
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Object-Lock-Mode") != "" && s.noLock:
		refuse(w, http.StatusBadRequest, "InvalidRequest", "Bucket is missing Object Lock Configuration")
	case r.Method == http.MethodPut && r.Header.Get("Content-Md5") == "":
		refuse(w, http.StatusBadRequest, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") == "*" && has:
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case r.Method == http.MethodPut && s.lies > 0:
		s.lies--
		refuse(w, http.StatusOK, "InternalError", "We encountered an internal error. Please try again.")
	case r.Method == http.MethodPut:
		s.objects[key], s.until[key] = string(body), r.Header.Get("X-Amz-Object-Lock-Mode")+" "+r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date")
		w.Header().Set("ETag", etag(body))
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && has:
		w.Header().Set("ETag", etag([]byte(there)))
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", fmt.Sprint(len(there)))
		_, _ = io.WriteString(w, there)
	case r.Method == http.MethodGet:
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	default:
		refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	}
}

func etag(text []byte) string {
	sum := md5.Sum(text)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (s *store) list(w http.ResponseWriter, r *http.Request) {
	type object struct {
		Key, ETag, LastModified, StorageClass string
		Size                                  int
	}
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []object
	}{Name: "kept"}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(key, r.URL.Query().Get("prefix")) || key <= r.URL.Query().Get("continuation-token") {
			continue
		}
		if len(page.Contents) == 2 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[1].Key
			break
		}
		page.Contents = append(page.Contents, object{key, etag([]byte(s.objects[key])), time.Now().UTC().Format(time.RFC3339), "STANDARD", len(s.objects[key])})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page)
}

func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func TestCheckpointsComeToABucketWithALock(t *testing.T) {
	t.Parallel()
	s, b := newS3(t)
	c := &Courier{Places: []Place{b}}
	require.NoError(t, c.Bring(t.Context(), made(t, 3, "")))
	s.set(func() { s.slow = 2 })
	require.NoError(t, c.Bring(t.Context(), made(t, 5, "")), "who is told to slow down tries again")
	all := first(t, made(t, 5, ""))
	require.Len(t, s.objects, 5)
	for _, one := range all {
		require.Equal(t, one.Note, s.objects[objectOf("", one.Number)], "letter by letter")
		mode, until, _ := strings.Cut(s.until[objectOf("", one.Number)], " ")
		require.Equal(t, "COMPLIANCE", mode)
		day, err := time.Parse(time.RFC3339, until)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().AddDate(0, 0, 30), day, time.Hour)
	}
	// Nothing new is one look at our own log, and none at the bucket.
	before := s.calls
	require.NoError(t, c.Bring(t.Context(), made(t, 5, "")))
	require.Equal(t, before, s.calls)
	// After a restart, and where another replica was quicker.
	fresh := &Courier{Places: []Place{&Bucket{client: b.client, at: b.at, first: map[int64]bool{}}}}
	require.NoError(t, fresh.Bring(t.Context(), made(t, 6, "")))
	require.NoError(t, b.Add(t.Context(), texts(first(t, made(t, 6, "")))), "what is there already is the same")
	require.Len(t, s.objects, 6)
}

func TestABucketThatDoesNotFollowIsAnAlarm(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]struct {
		change func(s *store)
		from   Source
		why    string
	}{
		"the log was rewritten":     {func(*store) {}, made(t, 4, "b"), "checkpoint 3 there is not the one that the database has"},
		"one in the middle is gone": {func(s *store) { delete(s.objects, objectOf("", 2)) }, made(t, 4, ""), "checkpoint 2 is gone there"},
		"the last one is gone":      {func(s *store) { delete(s.objects, objectOf("", 3)) }, made(t, 4, ""), "checkpoint 3 is gone there"},
		"the last one is another":   {func(s *store) { s.objects[objectOf("", 3)] = "hello" }, made(t, 4, ""), "checkpoint 3 there is no checkpoint"},
		"the next one is there":     {func(s *store) { s.objects[objectOf("", 4)] = s.objects[objectOf("", 3)] }, made(t, 4, ""), "checkpoint 4 there is no checkpoint"},
		"all of it is gone":         {func(s *store) { s.objects = map[string]string{} }, made(t, 4, ""), "is gone there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newS3(t)
			require.NoError(t, (&Courier{Places: []Place{b}}).Bring(t.Context(), made(t, 3, "")))
			_, err := b.Last(t.Context())
			require.NoError(t, err)
			s.set(func() { tamper.change(s) })
			err = (&Courier{Places: []Place{b}}).Bring(t.Context(), tamper.from)
			require.True(t, isParted(err), "%v", err)
			require.ErrorContains(t, err, tamper.why)
		})
	}
}

func TestABucketThatRefusesIsLateAndSaysWhy(t *testing.T) {
	t.Parallel()
	s, b := newS3(t)
	s.set(func() { s.noLock = true })
	c := &Courier{Places: []Place{b}}
	err := c.Bring(t.Context(), made(t, 2, ""))
	require.ErrorContains(t, err, "Bucket is missing Object Lock Configuration")
	require.False(t, isParted(err))
	late := new(LateError)
	require.ErrorAs(t, c.Late(t.Context(), made(t, 2, ""), time.Hour), &late)
	s.set(func() { s.noLock, s.lies = false, 100 })
	require.Error(t, c.Bring(t.Context(), made(t, 2, "")), "a 200 is not believed")
	require.Empty(t, s.objects)
	s.set(func() { s.lies = 1 })
	require.NoError(t, c.Bring(t.Context(), made(t, 2, "")), "the next attempt is done")
	require.Len(t, s.objects, 2)
	require.NoError(t, c.Late(t.Context(), made(t, 2, ""), time.Hour))

	for _, at := range []BucketAt{{URL: "s3.example.com", Days: 1}, {URL: "ftp://x", Days: 1}, {URL: "https://x/bucket", Days: 1}, {URL: "https://x", Days: 0}} {
		_, err := NewBucket(at)
		require.Error(t, err, at.URL)
	}
	require.NotContains(t, b.Name(), "secret")
}
