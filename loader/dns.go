package loader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/slogate/slogate/slo"
)

// dnsTypes are the types of records by their names.
var dnsTypes = map[slo.DNSType]dnsmessage.Type{
	slo.TypeA: dnsmessage.TypeA, slo.TypeAAAA: dnsmessage.TypeAAAA, slo.TypeCNAME: dnsmessage.TypeCNAME, slo.TypeMX: dnsmessage.TypeMX,
	slo.TypeNS: dnsmessage.TypeNS, slo.TypeSRV: dnsmessage.TypeSRV, slo.TypeTXT: dnsmessage.TypeTXT,
}

// maxDatagram is how large an answer over UDP may be (RFC 6891, section 6.2.3,
// names what is sensible to offer).
const maxDatagram = 4096

// refusal is an answer of a name server that holds no record.
type refusal struct{ code dnsmessage.RCode }

func (r *refusal) Error() string {
	if r.code == dnsmessage.RCodeSuccess {
		return "the name server knows no such record"
	}
	return "the name server answers " + strings.ToUpper(strings.TrimPrefix(r.code.String(), "RCode"))
}

func isRefusal(err error) bool {
	_, is := errors.AsType[*refusal](err)
	return is
}

// ask puts a question to a name server over UDP, once: a lost datagram is a
// timeout. The answer is seen as JSON: its records.
func ask(ctx context.Context, x *exchanged, d *slo.DNS, u *user) error {
	name, err := u.written(d.Name)
	if err != nil {
		return err
	}
	id := uint16(u.rand.Uint32())
	question, err := questionOf(id, name, dnsTypes[d.Type])
	if err != nil {
		return err
	}
	raw, err := x.client.dialer.DialContext(ctx, "udp", x.client.way.of(d.Server))
	if err != nil {
		return err
	}
	defer raw.Close()
	if err := raw.SetDeadline(deadlineOf(ctx)); err != nil {
		return netError("set deadline", raw.RemoteAddr(), err)
	}
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(longPast) })()
	x.wrote = time.Now()
	n, err := raw.Write(question)
	if x.out = int64(n); err != nil {
		return err
	}
	return x.hear(raw, id)
}

func questionOf(id uint16, name string, kind dnsmessage.Type) ([]byte, error) {
	if !strings.HasSuffix(name, ".") {
		name += "."
	}
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, fmt.Errorf("%.80q is not a name: %w", name, err)
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	b.EnableCompression()
	var opt dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(), b.Question(dnsmessage.Question{Name: n, Type: kind, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(), opt.SetEDNS0(maxDatagram, dnsmessage.RCodeSuccess, false), b.OPTResource(opt, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// hear waits for the answer to a question. Whatever else comes to the port is
// somebody else's.
func (x *exchanged) hear(raw net.Conn, id uint16) error {
	buffer := make([]byte, maxDatagram)
	for {
		n, err := raw.Read(buffer)
		if err != nil {
			return err
		}
		x.in += int64(n)
		if n < 2 || binary.BigEndian.Uint16(buffer) != id {
			continue
		}
		x.first = time.Now()
		x.end, x.headDone = x.first, true
		return x.understand(buffer[:n])
	}
}

// record is one of an answer, as checks and captures see it.
type record struct {
	Type string `json:"type"`
	TTL  uint32 `json:"ttl"`
	Data string `json:"data"`
}

func (x *exchanged) understand(message []byte) error {
	var m dnsmessage.Message
	if err := m.Unpack(message); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	if !m.Response {
		return errors.New("the answer is a question")
	}
	records := []record{}
	for _, r := range m.Answers {
		records = append(records, record{strings.TrimPrefix(r.Header.Type.String(), "Type"), r.Header.TTL, dataOf(r.Body)})
	}
	x.body, _ = json.Marshal(map[string]any{"records": records, "truncated": m.Truncated})
	x.size = int64(len(message))
	if m.RCode != dnsmessage.RCodeSuccess || len(records) == 0 && !m.Truncated {
		return &refusal{m.RCode}
	}
	return nil
}

// dataOf writes what a record says.
func dataOf(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return net.IP(r.A[:]).String()
	case *dnsmessage.AAAAResource:
		return net.IP(r.AAAA[:]).String()
	case *dnsmessage.CNAMEResource:
		return r.CNAME.String()
	case *dnsmessage.NSResource:
		return r.NS.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, r.MX)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target)
	case *dnsmessage.TXTResource:
		return strings.Join(r.TXT, "")
	}
	return ""
}
