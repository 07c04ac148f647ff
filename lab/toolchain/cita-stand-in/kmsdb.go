package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// row is one of a table: its columns as bytes, whatever their type, and its id, which is its INTEGER PRIMARY KEY.
type row struct {
	id      int64
	columns [][]byte
}

var errDamaged = errors.New("it is damaged, or no SQLite database of a few rows")

// database reads what a kms.db needs of SQLite's format (sqlite.org/fileformat2.html): tables of short rows.
type database struct {
	content          []byte
	pageSize, usable int
}

func openDatabase(file string) (*database, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(content) < 100 || !bytes.HasPrefix(content, []byte("SQLite format 3\x00")) {
		return nil, fmt.Errorf("%s: file is not a database", file)
	}
	size := int(binary.BigEndian.Uint16(content[16:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 || len(content)%size != 0 {
		return nil, fmt.Errorf("%s: %w", file, errDamaged)
	}
	return &database{content, size, size - int(content[20])}, nil
}

// table reads all rows of a table, found by its name in the schema: type, name, tbl_name, rootpage, sql.
func (d *database) table(name string) (rows []row, err error) {
	defer func() {
		if recover() != nil { // an offset that leads out of the file
			rows, err = nil, errDamaged
		}
	}()
	schema, err := d.page(1, 0)
	if err != nil {
		return nil, err
	}
	for _, each := range schema {
		if string(each.columns[0]) == "table" && string(each.columns[1]) == name {
			return d.page(int(number(each.columns[3])), 0)
		}
	}
	return nil, fmt.Errorf("it has no table %s", name)
}

// page reads the rows of a page of a table's tree, and of those below it.
func (d *database) page(at, depth int) ([]row, error) {
	const leaf, interior, deepest = 0x0d, 0x05, 20
	page := d.content[(at-1)*d.pageSize : at*d.pageSize]
	header := page
	if at == 1 {
		header = page[100:] // behind the file's own
	}
	cells := int(binary.BigEndian.Uint16(header[3:]))
	switch {
	case depth > deepest || (header[0] != leaf && header[0] != interior):
		return nil, errDamaged
	case header[0] == leaf:
		return d.cells(page, header[8:], cells)
	}
	below := make([]int, 0, cells+1)
	for cell := range cells {
		below = append(below, int(binary.BigEndian.Uint32(page[binary.BigEndian.Uint16(header[12+2*cell:]):])))
	}
	var rows []row
	for _, child := range append(below, int(binary.BigEndian.Uint32(header[8:]))) {
		found, err := d.page(child, depth+1)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

func (d *database) cells(page, pointers []byte, count int) ([]row, error) {
	rows := make([]row, 0, count)
	for cell := range count {
		content := page[binary.BigEndian.Uint16(pointers[2*cell:]):]
		length, content := varint(content)
		id, content := varint(content)
		if int(length) > d.usable-35 { // the rest would be on another page
			return nil, errDamaged
		}
		rows = append(rows, row{id, columns(content[:length])})
	}
	return rows, nil
}

// columns takes a record apart: the length of its header, a type for each column, then the columns.
func columns(record []byte) [][]byte {
	length, types := varint(record)
	types, record = types[:int(length)-(len(record)-len(types))], record[length:]
	var found [][]byte
	for len(types) > 0 {
		var kind int64
		kind, types = varint(types)
		size := width(kind)
		found, record = append(found, record[:size]), record[size:]
	}
	return found
}

// width is how many bytes a column of a type has; NULL and the constants 0 and 1 have none.
func width(kind int64) int {
	switch {
	case kind >= 12:
		return int(kind-12) / 2
	case kind == 5 || kind == 6 || kind == 7:
		return []int{6, 8, 8}[kind-5]
	case kind <= 4:
		return int(kind)
	}
	return 0
}

// varint is SQLite's: seven bits a byte, the highest first, and all eight of a ninth.
func varint(content []byte) (int64, []byte) {
	var value int64
	for at := range 8 {
		value = value<<7 | int64(content[at]&0x7f)
		if content[at] < 0x80 {
			return value, content[at+1:]
		}
	}
	return value<<8 | int64(content[8]), content[9:]
}

func number(column []byte) int64 {
	var value int64
	for _, each := range column {
		value = value<<8 | int64(each)
	}
	return value
}
