module toolchain.local/cita-stand-in

go 1.26

require (
	github.com/BurntSushi/toml v1.5.0
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.0
	github.com/emmansun/gmsm v0.30.0
	golang.org/x/crypto v0.55.0
	google.golang.org/protobuf v1.36.12
)

require golang.org/x/sys v0.47.0 // indirect
