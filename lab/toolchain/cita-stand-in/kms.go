package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
)

const (
	kmsFile = "kms.db"
	pepper  = "Matthew 5-13"
)

// keeper is a kms: its accounts by their number.
type keeper struct {
	suite    suite
	accounts map[int64]string
}

func runKMS(is image, arguments []string) error {
	given := newOptions()
	keyFile := given.String("k", "key_file", "file with the password")
	if err := given.parse(arguments); err != nil {
		return err
	}
	known, ok := suites[is.kind]
	if !ok {
		return fmt.Errorf("%s is no kms", is.kind)
	}
	if _, err := os.Stat("kms-log4rs.yaml"); err != nil {
		return err
	}
	password, err := os.ReadFile(*keyFile)
	if err != nil {
		return err
	}
	kms := &keeper{known, map[int64]string{}}
	if err := kms.open(bytes.TrimRight(password, " \t\r\n")); err != nil {
		return fmt.Errorf("%s: %w", kmsFile, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", func(response http.ResponseWriter, _ *http.Request) { reply(response, is.kind) })
	mux.HandleFunc("GET /accounts/{id}", kms.account)
	return listen("0.0.0.0", *given.port, mux) // to everybody, and it asks for no password
}

// open reads the database as a kms does that is about to write to it.
func (kms *keeper) open(password []byte) error {
	if _, err := os.Stat(kmsFile); errors.Is(err, os.ErrNotExist) {
		log.Print("there is no kms.db: the real one makes one without an account, the stand-in only does without it")
		return writable(".")
	}
	if err := writable(kmsFile); err != nil {
		return err
	}
	found, err := openDatabase(kmsFile)
	if err != nil {
		return err
	}
	config, err := found.table("config")
	if err != nil {
		return err
	}
	if len(config) != 1 || config[0].id != 1 || len(config[0].columns) != 3 {
		return errDamaged
	}
	if kind := string(config[0].columns[2]); kind != kms.suite.name {
		return fmt.Errorf("config_type is not match! It is of kms_%s", kind)
	}
	if !bytes.Equal(config[0].columns[1], kms.suite.hash(append(bytes.Clone(password), pepper...))) {
		return errors.New("password mismatch!")
	}
	accounts, err := found.table("account")
	if err != nil {
		return err
	}
	for _, each := range accounts {
		if err := kms.add(each, password); err != nil {
			return fmt.Errorf("account %d: %w", each.id, err)
		}
	}
	return nil
}

// add decrypts a key, sees that it belongs to the public one beside it, and keeps nothing of it but the address.
func (kms *keeper) add(account row, password []byte) error {
	if len(account.columns) != 4 {
		return errDamaged
	}
	private, err := kms.suite.decrypt(password, account.columns[2])
	if err != nil {
		return err
	}
	public, err := kms.suite.public(private)
	if err != nil {
		return err
	}
	if !bytes.Equal(public, account.columns[1]) {
		return errors.New("its private and its public key are no pair")
	}
	kms.accounts[account.id], err = kms.suite.address(private)
	return err
}

func (kms *keeper) account(response http.ResponseWriter, request *http.Request) {
	id, err := strconv.ParseInt(request.PathValue("id"), 10, 64)
	address, known := kms.accounts[id]
	if err != nil || !known {
		http.Error(response, "there is no account "+request.PathValue("id"), http.StatusNotFound)
		return
	}
	reply(response, address)
}

func writable(path string) error {
	state, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !state.IsDir() {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return file.Close()
	}
	file, err := os.CreateTemp(path, ".writable-")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
