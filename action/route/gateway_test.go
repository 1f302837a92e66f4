package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRoute(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"docker":          {string(testdata(t, "route-docker")), []string{"172.17.0.1 eth0"}},
		"a machine":       {string(testdata(t, "route-machine")), []string{"10.1.0.1 eth0", "192.168.178.1 wlan0"}},
		"empty":           {"", nil},
		"only the header": {"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n", nil},
		"no default":      {"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", nil},
		"down":            {"eth0\t00000000\t010011AC\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"no gateway":      {"eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"half a default":  {"tun0\t00000000\t010011AC\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", nil},
		"short":           {"eth0\t00000000\t010011AC\t0003\n", nil},
		"odd digits":      {"eth0\t00000000\t010011A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"loopback":        {"eth0\t00000000\t0100007F\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
		"a path":          {"../x\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, written(parseRoute([]byte(tt.text)))); diff != "" {
				t.Errorf("gateways (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseIPv6Route(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"docker without IPv6": {string(testdata(t, "ipv6_route-docker")), nil},
		"docker with IPv6":    {string(testdata(t, "ipv6_route-docker-ipv6")), []string{"fd00:17::1 eth0"}},
		"link-local":          {zero + " 00 " + zero + " 00 fe800000000000000000000000000001 00000400 00000003 00000000 00000003 eth0\n", []string{"fe80::1%eth0 eth0"}},
		"empty":               {"", nil},
		"a prefix":            {zero + " 01 " + zero + " 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003 eth0\n", nil},
		"rejects":             {zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200 lo\n", nil},
		"short":               {zero + " 00 " + zero + "\n", nil},
		"no digits":           {zero + " 00 " + zero + " 00 zz 00000400 00000003 00000000 00000003 eth0\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, written(parseIPv6Route([]byte(tt.text)))); diff != "" {
				t.Errorf("gateways (-want +got):\n%s", diff)
			}
		})
	}
}

func written(hops []hop) []string {
	var list []string
	for _, h := range hops {
		list = append(list, h.String()+" "+h.device)
	}
	return list
}

func FuzzParseRoute(f *testing.F) {
	f.Add(testdata(f, "route-docker"))
	f.Add(testdata(f, "route-machine"))
	f.Fuzz(func(t *testing.T, text []byte) { checkHops(t, parseRoute(text), true) })
}

func FuzzParseIPv6Route(f *testing.F) {
	f.Add(testdata(f, "ipv6_route-docker"))
	f.Add(testdata(f, "ipv6_route-docker-ipv6"))
	f.Fuzz(func(t *testing.T, text []byte) { checkHops(t, parseIPv6Route(text), false) })
}

func checkHops(t *testing.T, hops []hop, v4 bool) {
	for _, h := range hops {
		if !h.IsValid() || h.Is4() != v4 || h.IsUnspecified() || h.IsLoopback() || h.IsMulticast() {
			t.Errorf("%v is no gateway", h)
		}
	}
}
