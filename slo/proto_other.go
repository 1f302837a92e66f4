//go:build !grpc

package slo

// describe refuses a call: what reads .proto files and writes messages makes
// the program larger by a fifth, for the few who need it.
func (p *parser) describe(_ *object, n *node, _ *Request) {
	p.failNode(n, CodeGRPC, "this slogate was built without gRPC", "take a release's archive slogate-full_…, the image ghcr.io/slogate/slogate, or go install -tags grpc github.com/slogate/slogate@latest")
}
