package baseline

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/github"
	"github.com/slogate/slogate/secret"
)

// Service is the artifact service of a job: the fourth version of the protocol,
// which is JSON over HTTP (Twirp) to create and finalize an artifact, and a
// storage for blocks of bytes at a signed address between the two.
type Service struct {
	origin    string
	token     string
	run, job  string // the numbers by which the service knows them
	userAgent string
	client    *http.Client
	sleep     func(context.Context, time.Duration) error
}

const (
	artifactService = "/twirp/github.actions.results.api.v1.ArtifactService/"
	artifactVersion = 4
	// keepTimeout is for everything: the verdict has been written by then.
	keepTimeout = time.Minute
	// stepTimeout is for one attempt of one request.
	stepTimeout = 20 * time.Second
	tries       = 4
	// longestAnswer in bytes. Answers have a few hundred.
	longestAnswer  = 64 << 10
	longestMessage = 300 // bytes of an error's text
)

// NewService returns the service at the address ACTIONS_RESULTS_URL for the
// token ACTIONS_RUNTIME_TOKEN. The token says which run and job it is for.
func NewService(address, token, userAgent string) (*Service, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the address of the artifact service is not a URL")
	}
	run, job, err := backendIDs(token)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyFromEnvironment
	return &Service{
		origin: u.Scheme + "://" + u.Host, token: token, run: run, job: job, userAgent: userAgent,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		sleep:  github.Sleep,
	}, nil
}

// errToken is a token that is none of the artifact service. It is not quoted:
// it is a secret.
var errToken = errors.New("the token of the artifact service names no run and job")

// backendIDs reads the scope "Actions.Results:RUN:JOB" of a token. Its
// signature is for the service to check.
func backendIDs(token string) (run, job string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", errToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return "", "", errToken
	}
	var claims struct {
		Scopes string `json:"scp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "", "", errToken
	}
	for scope := range strings.FieldsSeq(claims.Scopes) {
		fields := strings.Split(scope, ":")
		if len(fields) == 3 && fields[0] == "Actions.Results" && fields[1] != "" && fields[2] != "" {
			return fields[1], fields[2], nil
		}
	}
	return "", "", errToken
}

// ErrTaken is a name under which this run has kept an artifact already.
var ErrTaken = errors.New("the run has an artifact of this name already")

// Keep keeps a result file as an artifact. A name is taken once in a run, also
// by an earlier attempt of it, whose artifact again replaces; without it, that
// is [ErrTaken].
func (s *Service) Keep(ctx context.Context, name string, resultFile []byte, again bool) error {
	archive, err := writeArchive(resultFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	address, err := s.create(ctx, name, again)
	if err != nil {
		return err
	}
	if err := s.store(ctx, address, archive); err != nil {
		return fmt.Errorf("store the artifact: %w", err)
	}
	return s.finalize(ctx, name, archive)
}

// artifactID names an artifact in a request. The service reads the names of
// the protocol's definition.
type artifactID struct {
	Run  string `json:"workflow_run_backend_id"`
	Job  string `json:"workflow_job_run_backend_id"`
	Name string `json:"name"`
}

// create announces an artifact and returns the address to store it at.
func (s *Service) create(ctx context.Context, name string, again bool) (string, error) {
	id := artifactID{s.run, s.job, name}
	request := struct {
		artifactID
		Version int `json:"version"`
	}{id, artifactVersion}
	var answer struct {
		OK bool `json:"ok"`
		// Servers write the field in either way; both are in the definition.
		Address      string `json:"signed_upload_url"`
		CamelAddress string `json:"signedUploadUrl"`
	}
	repeated, err := s.call(ctx, "CreateArtifact", request, &answer)
	// After an attempt whose answer was lost, the name is taken by ourselves.
	if isStatus(err, http.StatusConflict) && (again || repeated) {
		if err := s.remove(ctx, name); err != nil {
			return "", err
		}
		_, err = s.call(ctx, "CreateArtifact", request, &answer)
	}
	switch {
	case isStatus(err, http.StatusConflict):
		return "", ErrTaken
	case err != nil:
		return "", err
	case answer.Address == "":
		answer.Address = answer.CamelAddress
	}
	u, err := url.Parse(answer.Address)
	if !answer.OK || err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !strings.HasPrefix(s.origin, u.Scheme+"://") {
		return "", errors.New("CreateArtifact: the service gives no address to store at")
	}
	return u.String(), nil
}

// remove deletes the artifact that an earlier attempt has kept. It belongs to
// a job of its own.
func (s *Service) remove(ctx context.Context, name string) error {
	type listed struct {
		Run      string `json:"workflow_run_backend_id"`
		CamelRun string `json:"workflowRunBackendId"`
		Job      string `json:"workflow_job_run_backend_id"`
		CamelJob string `json:"workflowJobRunBackendId"`
		Name     string `json:"name"`
	}
	var list struct {
		Artifacts []listed `json:"artifacts"`
	}
	request := struct {
		Run    string `json:"workflow_run_backend_id"`
		Job    string `json:"workflow_job_run_backend_id"`
		Filter string `json:"name_filter"`
	}{s.run, s.job, name}
	if _, err := s.call(ctx, "ListArtifacts", request, &list); err != nil {
		return err
	}
	for _, a := range list.Artifacts {
		if a.Name != name {
			continue
		}
		id := artifactID{cmp.Or(a.Run, a.CamelRun), cmp.Or(a.Job, a.CamelJob), name}
		if _, err := s.call(ctx, "DeleteArtifact", id, nil); err != nil && !isStatus(err, http.StatusNotFound) {
			return err
		}
	}
	return nil
}

func (s *Service) finalize(ctx context.Context, name string, archive []byte) error {
	sum := sha256.Sum256(archive)
	request := struct {
		artifactID
		Size string `json:"size"` // int64 is a string in the JSON of protocol buffers
		Hash string `json:"hash"`
	}{artifactID{s.run, s.job, name}, strconv.Itoa(len(archive)), "sha256:" + hex.EncodeToString(sum[:])}
	var answer struct {
		OK bool `json:"ok"`
	}
	if _, err := s.call(ctx, "FinalizeArtifact", request, &answer); err != nil {
		return err
	}
	if !answer.OK {
		return errors.New("FinalizeArtifact: the service refuses the artifact")
	}
	return nil
}

// store puts the archive as one block and then the list of that one block: the
// way that every storage behind this protocol knows. The address is signed, so
// that no token goes there.
func (s *Service) store(ctx context.Context, address string, archive []byte) error {
	block := base64.StdEncoding.EncodeToString([]byte("slogate-000000"))
	list := `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>` + block + `</Latest></BlockList>`
	for _, part := range []struct {
		query       url.Values
		body        []byte
		contentType string
	}{
		{url.Values{"comp": {"block"}, "blockid": {block}}, archive, "application/octet-stream"},
		{url.Values{"comp": {"blocklist"}}, []byte(list), "application/xml"},
	} {
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		request := outgoing{
			method: http.MethodPut, url: address + separator + part.query.Encode(), body: part.body,
			header: map[string]string{"Content-Type": part.contentType, "X-Ms-Blob-Content-Type": "application/zip"},
		}
		if _, _, err := s.send(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

// outgoing is a request that may be repeated.
type outgoing struct {
	method, url string
	body        []byte
	header      map[string]string
}

// call makes one call of the service, and reports whether it was repeated.
func (s *Service) call(ctx context.Context, method string, in, out any) (repeated bool, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return false, fmt.Errorf("%s: %w", method, err)
	}
	answer, repeated, err := s.send(ctx, outgoing{
		method: http.MethodPost, url: s.origin + artifactService + method, body: body,
		header: map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + s.token},
	})
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return repeated, fmt.Errorf("%s: %w", method, err)
	}
	return repeated, nil
}

// send makes a request until it succeeds, is refused, or was tried enough.
func (s *Service) send(ctx context.Context, r outgoing) (answer []byte, repeated bool, err error) {
	for try := 1; ; try++ {
		answer, err = s.once(ctx, r)
		if err == nil || try == tries || !passes(err) {
			return answer, try > 1, err
		}
		if s.sleep(ctx, github.Backoff(time.Second, try)) != nil {
			return nil, try > 1, err
		}
	}
}

func (s *Service) once(ctx context.Context, r outgoing) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	request.Header.Set("User-Agent", s.userAgent)
	for name, value := range r.header {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, github.Explain(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, &statusError{response.StatusCode, s.quote(body)}
	}
	if err != nil {
		return nil, github.Explain(err)
	}
	return body, nil
}

// statusError is a refusal of the service.
type statusError struct {
	status  int
	message string // in one line, cut; may be empty
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("status %d", e.status)
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.status == status
}

// passes reports an error that may be gone a little later.
func passes(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	return !ok || e.status >= 500 || e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout
}

// quote takes the message out of an error's body, without what a log obeys and
// without the token.
func (s *Service) quote(body []byte) string {
	var said struct {
		Message string `json:"msg"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	text := secret.NewMask([]string{s.token}).Text(said.Message)
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage], "") + "…"
	}
	return text
}
