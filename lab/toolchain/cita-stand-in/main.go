// A stand-in for the microservices of CITA-Cloud, and for syncthing, where their images cannot be run: one program that
// is what its name says (network, consensus, executor, storage, controller, kms, syncthing, …). It binds what they
// bind, refuses at its start what they refuse, and makes blocks that are empty and prove nothing but that the nodes of
// a chain have found each other. It keeps no transaction, and says so.
//
// Sources: the services' repositories at their tags v4.0.0 and v5.0.0 (April and May 2021), syncthing 1.16.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	name = "cita-stand-in"
	// What a program stands for, as `consensus_bft:v5.0.0`: its arguments do not tell, its image does.
	standsFor = "CITA_STAND_IN"
)

var programs = map[string]func(image, []string) error{
	"network":    service(runNetwork),
	"consensus":  service(runConsensus),
	"executor":   service(runExecutor),
	"storage":    service(runStorage),
	"controller": service(runController),
	"kms":        service(runKMS),
	"syncthing":  runSyncthing,
	"couchdb":    runCouchDB,
	"exporter":   runExporter,
}

// image is what an image of CITA-Cloud is named by.
type image struct{ kind, release string }

func main() {
	program := filepath.Base(os.Args[0])
	run, known := programs[program]
	if !known {
		fmt.Fprintf(os.Stderr, "%s: start it by a name that it stands for, not as %s\n", name, program)
		os.Exit(2)
	}
	kind, release, _ := strings.Cut(os.Getenv(standsFor), ":")
	log.SetPrefix(fmt.Sprintf("%s %s: ", name, program))
	log.SetFlags(log.Ldate | log.Ltime | log.LUTC | log.Lmsgprefix)
	log.Printf("this is %s, not %s: its blocks are empty and nothing is executed", name, kind)
	go untilTold()
	if err := run(image{kind, release}, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// untilTold ends the program at once when it is told to: as process 1 it would not hear it by itself.
func untilTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	log.Printf("ended: %v", <-told)
	os.Exit(0)
}

// service is a program with one subcommand, `run`, in an image of a known kind.
func service(run func(image, []string) error) func(image, []string) error {
	return func(is image, arguments []string) error {
		if is.kind == "" || is.release == "" {
			return fmt.Errorf("%s does not say which image this is, such as consensus_bft:v5.0.0", standsFor)
		}
		if len(arguments) == 0 || arguments[0] != "run" {
			return errors.New("the one subcommand that it knows is run")
		}
		return run(is, arguments[1:])
	}
}
