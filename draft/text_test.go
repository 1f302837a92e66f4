package draft

import "testing"

func TestNames(t *testing.T) {
	for s, want := range map[string][2]string{
		"apiKey":       {"API_KEY", "api_key"},
		"X-CSRF-Token": {"X_CSRF_TOKEN", "x_csrf_token"},
		"user":         {"VALUE_USER", "user"},
		"GITHUB_TOKEN": {"VALUE_GITHUB_TOKEN", "github_token"},
		"7days":        {"VALUE_7DAYS", "value_7days"},
		"status":       {"STATUS", "status_value"},
		"日本":           {"VALUE", "value"},
		"":             {"VALUE", "value"},
	} {
		if got := [2]string{variableName(s), captureName(s)}; got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestIsSensitive(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "userPassword": true, "passwd": true, "Authorization": true, "X-Api-Key": true, "apikey": true, "key": true,
		"access_token": true, "refreshToken": true, "client_secret": true, "X-CSRF-Token": true, "sid": true, "PHPSESSID": false,
		"max_tokens": false, "keyword": false, "monkey": false, "compass": false, "author": false, "page": false, "id": false,
	} {
		if got := isSensitive(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]string{
		"":                   "/",
		"a b":                "/a%20b",
		"/a?b=c#d":           "/a?b=c",
		"/100%":              "/100%25",
		"/%2F%zz":            "/%2F%25zz",
		"/${env.X:-a b#c}/d": "/${env.X:-a b#c}/d",
		"/$${x y}":           "/$${x%20y}",
		"/a\r\nb\x00":        "/a%0D%0Ab%00",
	} {
		if got := cleanPath(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
