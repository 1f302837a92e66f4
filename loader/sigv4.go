package loader

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/slogate/slogate/slo"
)

// sigV4 signs as AWS asks for.
type sigV4 struct {
	slo.SigV4
	signer *v4.Signer
}

func newSigV4(s slo.SigV4) *sigV4 {
	// S3 alone takes a path as it is; others escape it once more.
	return &sigV4{s, v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.Service == "s3" })}
}

const contentHash = "X-Amz-Content-Sha256"

func (s *sigV4) headers() []string {
	return []string{contentHash, "X-Amz-Date", "X-Amz-Security-Token", "Authorization"}
}

func (s *sigV4) sign(w *written, now time.Time) (lines []byte, secret string, err error) {
	r, err := http.NewRequest(w.method, "http://"+w.host+w.path, nil)
	if err != nil {
		return nil, "", err
	}
	r.ContentLength, _ = strconv.ParseInt(w.header("Content-Length"), 10, 64)
	for _, line := range w.lines {
		if name := nameOf(line); name == "Content-Type" || strings.HasPrefix(name, "X-Amz-") {
			r.Header.Set(name, w.header(name))
		}
	}
	sum := sha256.Sum256(w.body)
	payload := hex.EncodeToString(sum[:])
	r.Header.Set(contentHash, payload)
	credentials := aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey, SessionToken: s.SessionToken}
	if err := s.signer.SignHTTP(context.Background(), credentials, r, payload, s.Service, s.Region, now); err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	for _, name := range s.headers() {
		if value := r.Header.Get(name); value != "" && w.header(name) == "" {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	_, secret, _ = strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return b.Bytes(), secret, nil
}
