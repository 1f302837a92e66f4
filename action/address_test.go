package action

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRefusedAddress(t *testing.T) {
	const (
		open   = ""
		behind = "a private address"
	)
	for address, want := range map[string]string{
		"127.0.0.1": open, "127.9.9.9": open, "::1": open, "::ffff:127.0.0.1": open,
		"93.184.216.34": open, "2606:2800:220:1::1": open, "172.32.0.1": open, "100.128.0.1": open, "169.253.0.1": open, "0.0.0.0": open,

		"169.254.169.254": "link-local", "169.254.0.1": "link-local", "169.254.170.2": "link-local",
		"fe80::1": "link-local", "fe80::1%eth0": "link-local", "febf::1": "link-local", "fe80::a9fe:a9fe": "link-local",
		"::ffff:169.254.169.254": "link-local", "::169.254.169.254": "link-local", "64:ff9b::a9fe:a9fe": "link-local",
		"64:ff9b:1::a9fe:a9fe": "link-local", "64:ff9b:1:a9fe:a9:fe00::": "link-local", "64:ff9b:1:a9:fe:a9fe::": "link-local",
		"64:ff9b:1:0:a9:fea9:fe00:0": "link-local", "::ffff:0:169.254.169.254": "link-local", "::ffff:0:10.0.0.1": behind, "2002:a9fe:a9fe::1": "link-local",
		"fd00:ec2::254": "metadata", "fd00:ec2::23": "metadata", "fd20:ce::254": "metadata", "fd00:42::42": "metadata", "fd00:a9fe:a9fe::1": "metadata", "100.100.100.200": "metadata", "192.0.0.192": "metadata",
		"::ffff:100.100.100.200": "metadata", "168.63.129.16": "cloud's agent", "224.0.0.1": "multicast", "ff02::1": "multicast",

		"10.0.0.1": behind, "172.16.0.1": behind, "172.31.255.255": behind, "192.168.1.1": behind, "100.64.0.1": behind, "100.127.255.255": behind,
		"fc00::1": behind, "fd12:3456::1": behind, "fec0::1": behind,
		"::ffff:10.0.0.1": behind, "::10.0.0.1": behind, "64:ff9b::a00:1": behind, "2002:c0a8:101::1": behind,
	} {
		for _, behindRunner := range []bool{false, true} {
			got, want := "", want
			if err := RefusedAddress(netip.MustParseAddr(address), behindRunner); err != nil {
				got = err.Error()
			}
			if behindRunner && want == behind {
				want = open
			}
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s, behind the runner %v: %q, want %q", address, behindRunner, got, want)
			}
		}
	}
}

// Whatever spells an address that is never reached, it is refused.
func FuzzRefusedAddress(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254}, uint8(0))
	f.Add([]byte{100, 64, 0, 1}, uint8(2))
	f.Fuzz(func(t *testing.T, four []byte, spelling uint8) {
		if len(four) != 4 {
			return
		}
		plain := netip.AddrFrom4([4]byte(four))
		if plain.IsLoopback() {
			return // as one of IPv6 it is somebody else's
		}
		var long [16]byte
		switch spelling % 4 {
		case 0:
			long = plain.As16() // ::ffff:0:0/96
		case 1:
			copy(long[12:], four)
		case 2:
			copy(long[:], []byte{0, 0x64, 0xff, 0x9b})
			copy(long[12:], four)
		case 3:
			copy(long[:], []byte{0x20, 0x02})
			copy(long[2:], four)
		}
		spelled := netip.AddrFrom16(long)
		if spelled.IsLoopback() {
			return
		}
		for _, behindRunner := range []bool{false, true} {
			if (RefusedAddress(plain, behindRunner) != nil) != (RefusedAddress(spelled, behindRunner) != nil) {
				t.Errorf("%s and %s are not treated alike", plain, spelled)
			}
		}
	})
}
