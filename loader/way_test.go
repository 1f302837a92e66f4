package loader

import "testing"

func TestWay(t *testing.T) {
	gateway := way{"localhost:8080", "172.17.0.1:8080"}
	service := way{"localhost:8080", "api:80"}
	for _, tt := range []struct {
		way           way
		address, want string
	}{
		{way{}, "localhost:8080", "localhost:8080"},
		{way{from: "localhost:8080"}, "localhost:8080", "localhost:8080"},
		{gateway, "localhost:8080", "172.17.0.1:8080"},
		{gateway, "LocalHost:5432", "172.17.0.1:5432"},
		{gateway, "login.example.com:8080", "login.example.com:8080"},
		{gateway, "localhost", "localhost"},
		{service, "localhost:8080", "api:80"},
		{service, "localhost:5432", "localhost:5432"},
		{way{"[::1]:80", "[fe80::1%eth0]:80"}, "[::1]:53", "[fe80::1%eth0]:53"},
	} {
		if got := tt.way.of(tt.address); got != tt.want {
			t.Errorf("%s over %+v: %s, want %s", tt.address, tt.way, got, tt.want)
		}
	}
}
