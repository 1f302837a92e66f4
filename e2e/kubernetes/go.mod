module github.com/slogate/slogate/e2e/kubernetes

go 1.26.0

replace github.com/slogate/slogate => ../..

require github.com/slogate/slogate v0.0.0-00010101000000-000000000000

require github.com/google/jsonschema-go v0.4.3 // indirect
