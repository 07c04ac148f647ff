// A stand-in for Tessera where no registry is reachable: it reads Tessera's configuration as Tessera would, serves the
// addresses that it names, and finds its peers. It keeps private payloads in the open, and says so.
//
// Formats: github.com/Consensys/tessera, modules config and tessera-jaxrs.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const (
	name  = "tessera-stand-in"
	usage = "usage: tessera -configfile FILE | tessera version"
)

func main() {
	log.SetPrefix(name + ": ")
	log.SetFlags(log.Ldate | log.Ltime | log.LUTC | log.Lmsgprefix)
	file, err := configFile(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s\n", name, err, usage)
		os.Exit(2)
	}
	if file == "" {
		fmt.Println(version())
		return
	}
	log.Print("this is tessera-stand-in, not Tessera: private payloads are not encrypted")
	if err := run(file); err != nil {
		log.Printf("%s: %v", file, err)
		os.Exit(exitCode(err))
	}
}

// configFile takes the launcher's arguments; the empty name stands for the subcommand `version`.
func configFile(arguments []string) (string, error) {
	if len(arguments) == 1 && arguments[0] == "version" {
		return "", nil
	}
	if len(arguments) == 0 {
		return "", fmt.Errorf("no configuration file is named")
	}
	option, file, joined := strings.Cut(arguments[0], "=")
	if option != "-configfile" && option != "--configfile" {
		return "", fmt.Errorf("the stand-in does not know %s", arguments[0])
	}
	rest := arguments[1:]
	if !joined && len(rest) > 0 {
		file, rest = rest[0], rest[1:]
	}
	if file == "" || len(rest) > 0 {
		return "", fmt.Errorf("-configfile takes one file and nothing follows it")
	}
	return file, nil
}

// run serves until it is told to end, which needs no time.
func run(file string) error {
	config, err := readConfig(file)
	if err != nil {
		return err
	}
	keys, err := readKeys(config.Keys)
	if err != nil {
		return err
	}
	parties := newParties(config, keys)
	sockets, err := serve(config, parties, newPayloads(config, keys, parties))
	if err != nil {
		return err
	}
	go parties.keepInTouch()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	why := <-told
	for _, socket := range sockets {
		os.Remove(socket)
	}
	log.Printf("ended: %v", why)
	os.Exit(128 + int(why.(syscall.Signal))) // as Java does
	return nil
}

// exitCode is Tessera's: 2 where a server cannot begin, 1 for a configuration that is refused.
func exitCode(err error) int {
	if errors.Is(err, syscall.EADDRINUSE) {
		return 2
	}
	return 1
}
