package outside

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"countersign/internal/checkpoint"
)

// Bucket keeps each checkpoint as an object of its own in an S3-compatible bucket, locked
// against deletion and change for some days. Nothing is written over: an object that is there is read, and is
// the same or an alarm. Many replicas write the same: If-None-Match lets the first one, and the others read it.
//
// first is this replica's memory alone: it makes a missing object an alarm also when no later one is there to
// show the gap.
type Bucket struct {
	client *s3.Client
	at     BucketAt

	mu    sync.Mutex
	first map[int64]bool // numbers that were seen there
}

// BucketAt is where a bucket is, and with what it is opened: a key that may list, read and put, and need not delete.
type BucketAt struct {
	URL, Region, Bucket, Key, Secret string
	Days                             int               // for which an object is locked
	Epoch                            string            // of the database; empty in the first one
	Transport                        http.RoundTripper // nil: Go's own
}

const (
	bucketTime = 2 * time.Minute // for one call, with the repetitions that it makes where it is told to slow down
	maxNote    = 64 << 10        // a note has some 300 bytes
)

// NewBucket opens nothing yet.
func NewBucket(at BucketAt) (*Bucket, error) {
	where, err := url.Parse(at.URL)
	// A path would be taken for the bucket (path style), so none is allowed.
	if err != nil || where.Host == "" || where.Scheme != "https" && where.Scheme != "http" || strings.Trim(where.Path, "/") != "" {
		return nil, fmt.Errorf("the bucket's address is not one like https://s3.eu-central-1.amazonaws.com: %q", at.URL)
	}
	if at.Days < 1 {
		return nil, errors.New("an object is locked for a day at least")
	}
	client := s3.New(s3.Options{BaseEndpoint: aws.String(at.URL), Region: at.Region, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: at.Key, SecretAccessKey: at.Secret}, nil
		}),
		HTTPClient: &http.Client{Transport: at.Transport, Timeout: bucketTime},
		// Five attempts in all, within bucketTime: SlowDown is S3's ordinary answer to many calls.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 5 }),
		// Hosts other than Amazon's know no checksums but those that a request cannot do without.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired})
	return &Bucket{client: client, at: at, first: map[int64]bool{}}, nil
}

// Name is how people know it.
func (b *Bucket) Name() string { return "the bucket " + b.at.Bucket }

// prefix is what the objects of an epoch are called by. None of it begins another's: each is a history of its own.
//
//	countersign-checkpoint-000000000001.txt
//	countersign-epoch-bcd23f-checkpoint-000000000001.txt
func prefix(epoch string) string {
	if epoch == "" {
		return "countersign-checkpoint-"
	}
	return "countersign-epoch-" + epoch + "-checkpoint-"
}

// objectOf pads the number, so that a bucket, which lists by name, lists by number.
func objectOf(epoch string, number int64) string {
	return fmt.Sprintf("%s%012d.txt", prefix(epoch), number)
}

// Last lists what is there. Numbers follow one another without a gap, and what was there once is there
// still: the lock promises that.
func (b *Bucket) Last(ctx context.Context) (*checkpoint.Checkpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel()
	last := int64(0)
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.at.Bucket, Prefix: aws.String(prefix(b.at.Epoch))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the bucket: %w", err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			number, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(key, prefix(b.at.Epoch)), ".txt"), 10, 64)
			if err != nil || key != objectOf(b.at.Epoch, number) {
				continue // somebody else's
			}
			if number != last+1 {
				return nil, &PartedError{b.Name(), fmt.Sprintf("checkpoint %d is gone there", last+1)}
			}
			last = number
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// The lock may have run out: what this replica has seen there is missed all the same.
	for seen := range b.first {
		if seen > last {
			return nil, &PartedError{b.Name(), fmt.Sprintf("checkpoint %d is gone there", seen)}
		}
	}
	if last == 0 {
		return nil, nil
	}
	// The last number stands for all before it, since the list above has no gap.
	b.first = map[int64]bool{last: true}
	signed, err := b.read(ctx, last)
	if err != nil {
		return nil, err
	}
	c, err := checkpoint.Read(signed)
	if err != nil || c.Number != last {
		return nil, &PartedError{b.Name(), fmt.Sprintf("checkpoint %d there is no checkpoint", last)}
	}
	return &c, nil
}

// read is a note as it is there now. No more of it is read than a note can have.
func (b *Bucket) read(ctx context.Context, number int64) (string, error) {
	object, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.at.Bucket, Key: aws.String(objectOf(b.at.Epoch, number))})
	if err != nil {
		return "", fmt.Errorf("read checkpoint %d: %w", number, err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(io.LimitReader(object.Body, maxNote))
	if err != nil {
		return "", fmt.Errorf("read checkpoint %d: %w", number, err)
	}
	return string(text), nil
}

// Add writes each note as an object, unless it is there, and reads it back: S3 may answer 200 to what it
// has not done.
func (b *Bucket) Add(ctx context.Context, notes []string) error {
	for _, signed := range notes {
		c, err := checkpoint.Read(signed)
		if err == nil {
			err = b.add(ctx, c.Number, signed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add puts one object. That another is there is no error: what it holds decides.
func (b *Bucket) add(ctx context.Context, number int64, signed string) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel()
	sum := md5.Sum([]byte(signed)) // a lock wants one; what protects the note is its signature
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.at.Bucket, Key: aws.String(objectOf(b.at.Epoch, number)), Body: strings.NewReader(signed), ContentType: aws.String("text/plain; charset=utf-8"),
		ContentMD5: aws.String(base64.StdEncoding.EncodeToString(sum[:])), IfNoneMatch: aws.String("*"), // only where there is none
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: aws.Time(time.Now().UTC().AddDate(0, 0, b.at.Days))})
	// PreconditionFailed says that the object is there, by another replica or an attempt of ours whose answer
	// was lost.
	if said, ok := errors.AsType[smithy.APIError](err); err != nil && (!ok || said.ErrorCode() != "PreconditionFailed") {
		return fmt.Errorf("write checkpoint %d: %w", number, err)
	}
	there, err := b.read(ctx, number)
	if err != nil {
		return err
	}
	if there != signed {
		return &PartedError{b.Name(), fmt.Sprintf("checkpoint %d there is another one", number)}
	}
	return nil
}
