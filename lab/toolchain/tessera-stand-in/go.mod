module toolchain.local/tessera-stand-in

go 1.26
