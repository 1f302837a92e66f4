package cost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// forwarders are programs that listen for a service elsewhere: what they use
// is not what the service uses.
var forwarders = map[string]string{
	"docker-proxy":    "Docker forwards the port to a container",
	"rootlessport":    "Podman forwards the port to a container",
	"rootlessport-ch": "Podman forwards the port to a container",
	"pasta":           "Podman forwards the port to a container",
	"slirp4netns":     "the port is forwarded to a container",
	"gvproxy":         "the port is forwarded to a virtual machine",
	"kubectl":         "kubectl forwards the port to a cluster",
	"ssh":             "ssh forwards the port to another machine",
	"sshd":            "ssh forwards the port to another machine",
	"systemd":         "systemd listens for a service that is started on demand",
}

// localOnes are the addresses of this machine.
func localOnes(at []netip.AddrPort) ([]netip.AddrPort, error) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("/proc: list the addresses of this machine: %w", err)
	}
	var local []netip.AddrPort
	for _, a := range at {
		isOwn := slices.ContainsFunc(own, func(o net.Addr) bool {
			p, err := netip.ParsePrefix(o.String())
			return err == nil && p.Addr().Unmap() == a.Addr()
		})
		if isOwn || a.Addr().IsLoopback() {
			local = append(local, a)
		}
	}
	if len(local) == 0 {
		return nil, errors.New("/proc: the target is not on this machine")
	}
	return local, nil
}

// listening returns the sockets that listen at one of the addresses, by the
// numbers of their inodes: at the address itself or else at every address.
func listening(at []netip.AddrPort) (map[string]bool, error) {
	exact, every := map[string]bool{}, map[string]bool{}
	tables := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // a machine without IPv6
		}
		tables++
		for line := range bytes.Lines(text) {
			local, inode, ok := listener(string(line))
			switch {
			case !ok:
			case slices.Contains(at, local):
				exact[inode] = true
			case local.Addr().IsUnspecified() && slices.ContainsFunc(at, func(a netip.AddrPort) bool { return a.Port() == local.Port() }):
				every[inode] = true
			}
		}
	}
	if tables == 0 {
		return nil, errors.New("the system does not list its sockets")
	}
	if len(exact) > 0 {
		return exact, nil
	}
	return every, nil
}

// listener reads a line of proc_net(5)'s table of TCP sockets. It reports false
// for one that does not listen.
func listener(line string) (netip.AddrPort, string, bool) {
	const (
		localField, stateField, inodeField = 1, 3, 9
		listens                            = "0A"
	)
	fields := strings.Fields(line)
	if len(fields) <= inodeField || fields[stateField] != listens {
		return netip.AddrPort{}, "", false
	}
	address, port, _ := strings.Cut(fields[localField], ":")
	number, err := strconv.ParseUint(port, 16, 16)
	a, ok := hexAddress(address)
	return netip.AddrPortFrom(a, uint16(number)), fields[inodeField], ok && err == nil
}

// hexAddress reads an address that is written in words of four bytes, each in
// the order of the machine: the kernel prints them as numbers.
func hexAddress(text string) (netip.Addr, bool) {
	var raw []byte
	for ; len(text) >= 8; text = text[8:] {
		word, err := strconv.ParseUint(text[:8], 16, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		raw = binary.NativeEndian.AppendUint32(raw, uint32(word))
	}
	a, ok := netip.AddrFromSlice(raw)
	return a.Unmap(), ok && text == ""
}

// holdersOf returns the processes that have one of the sockets open, and how
// many processes could not be looked into.
func holdersOf(sockets map[string]bool) (holders []int, hidden int) {
	for _, pid := range pids() {
		folder := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		open, err := os.ReadDir(folder)
		if errors.Is(err, os.ErrPermission) {
			hidden++
		}
		for _, f := range open {
			link, err := os.Readlink(filepath.Join(folder, f.Name()))
			inode, isSocket := strings.CutPrefix(link, "socket:[")
			if err == nil && isSocket && sockets[strings.TrimSuffix(inode, "]")] {
				holders = append(holders, pid)
				break
			}
		}
	}
	return holders, hidden
}

func nameOf(pid int) string {
	name, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	return strings.TrimSpace(string(name))
}
