module github.com/slogate/slogate/e2e/contract

go 1.26.0

replace github.com/slogate/slogate => ../..

require github.com/slogate/slogate v0.0.0-00010101000000-000000000000

require (
	github.com/getkin/kin-openapi v0.153.0
	github.com/go-openapi/jsonpointer v0.22.5 // indirect
	github.com/go-openapi/swag/jsonname v0.25.5 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
