// Package annulus passes messages between processes through shared memory, or a named pipe.
//
//	tx, err := annulus.OpenProducer("shm:orders")
//	if err != nil { ... }
//	defer tx.Close()
//	err = tx.Push([]byte("one"), time.Second)
//
//	rx, err := annulus.OpenConsumer("shm:orders")
//	message, err := rx.Read(annulus.Forever) // in place, until rx.Release()
//
// Names are those of the library: shm:NAME, pipe:NAME or auto:NAME, options behind a '?'. A role is
// used by one goroutine at a time; any goroutine may call Interrupt until Close. cgo finds annulus.h
// and libannulus.so by CGO_CFLAGS and CGO_LDFLAGS where they are not installed.
package annulus

// #cgo LDFLAGS: -lannulus
// #include <annulus.h>
// #include <stdlib.h>
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Never and Forever are waits; any other is a time. One below zero has passed: it never waits.
const (
	Never   time.Duration = 0
	Forever time.Duration = -1
)

// Refusal is why a call was refused. Each asks for something else of the caller; compare with
// errors.Is.
type Refusal int

const (
	ErrFull         Refusal = iota + 1 // no room now
	ErrEmpty                           // no message now
	ErrNeverFits                       // larger than the largest message: no waiting will help
	ErrClosed                          // the other side closed, and there is no room, or all was read
	ErrPeerGone                        // the other side died without closing, and the same
	ErrStalled                         // a live producer has claimed and not yet committed
	ErrCorrupt                         // damaged records were skipped; the next call goes on
	ErrNotPermitted                    // the role is closed, another process's, or has an open claim
	ErrTimedOut                        // the wait has passed
	ErrInterrupted                     // Interrupt ended the wait
	ErrRemoved                         // the channel's name is gone: nobody else comes
	ErrNoMemory                        // the ring took no memory when it was made, and there is none now
)

func (r Refusal) Error() string { return "annulus: " + C.GoString(C.annulus_text(C.annulus_status(r))) }

// Timeout says that a later try may succeed, as net.Error does.
func (r Refusal) Timeout() bool { return r == ErrTimedOut }

// Fault is the kind of an OpenError.
type Fault int

const (
	BadArgument Fault = iota
	NotFound
	AlreadyExists
	InUse
	NoPermission
	NoSpace
	NotAChannel
	Incompatible
	Damaged
	System
)

// OpenError is why a channel could not be opened or removed: what was found, and what to do.
type OpenError struct {
	Fault Fault
	Text  string
}

func (e *OpenError) Error() string { return e.Text }

// Presence is what is known of the other side.
type Presence int

const (
	NeverCame Presence = iota
	Attached
	Left // by closing
	Died
)

func nanoseconds(wait time.Duration) C.int64_t {
	if wait < 0 && wait != Forever {
		return 0
	}
	return C.int64_t(wait)
}

// named calls with a name as C has it.
func named(name string, call func(*C.char, *C.annulus_error) bool) error {
	if strings.IndexByte(name, 0) >= 0 {
		return &OpenError{BadArgument, fmt.Sprintf("%q: a name has no zero byte", name)}
	}
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	var why C.annulus_error
	if call(n, &why) {
		return nil
	}
	return &OpenError{Fault(why.fault), C.GoString(&why.text[0])}
}

func refusal(s C.annulus_status) error {
	if s == C.ANNULUS_OK {
		return nil
	}
	return Refusal(s)
}

func address(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(&b[0])
}

// Remove takes a channel away with its files. In use, it fails, unless forced.
func Remove(name string, isForced bool) error {
	return named(name, func(n *C.char, why *C.annulus_error) bool {
		return bool(C.annulus_remove(n, C.bool(isForced), why))
	})
}

// Producer is a producer of a channel.
type Producer struct{ role *C.annulus_producer }

// OpenProducer opens the channel, which is made if it does not exist, and takes a producer's role.
func OpenProducer(name string) (*Producer, error) {
	p := &Producer{}
	err := named(name, func(n *C.char, why *C.annulus_error) bool {
		p.role = C.annulus_open_producer(n, why)
		return p.role != nil
	})
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(p, (*Producer).Close)
	return p, nil
}

// Close says that no more will come, and gives the role back. Again, it does nothing.
func (p *Producer) Close() error {
	runtime.SetFinalizer(p, nil)
	C.annulus_close_producer(p.role)
	p.role = nil
	return nil
}

// Push sends one message.
func (p *Producer) Push(message []byte, wait time.Duration) error {
	defer runtime.KeepAlive(p)
	return refusal(C.annulus_push(p.role, address(message), C.size_t(len(message)), nanoseconds(wait)))
}

// Claim gives space for a message of count bytes, to be written in place. End it by Commit or Abort;
// the space is not to be used after that.
func (p *Producer) Claim(count int, wait time.Duration) ([]byte, error) {
	defer runtime.KeepAlive(p)
	var at unsafe.Pointer
	if err := refusal(C.annulus_claim(p.role, C.size_t(count), nanoseconds(wait), &at)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(at), count), nil
}

// Commit sends the first count bytes of the open claim.
func (p *Producer) Commit(count int) error {
	defer runtime.KeepAlive(p)
	return refusal(C.annulus_commit(p.role, C.size_t(count)))
}

// Abort gives the open claim up.
func (p *Producer) Abort() error {
	defer runtime.KeepAlive(p)
	return refusal(C.annulus_abort(p.role))
}

// MaxMessage is the most that one message can hold, bytes.
func (p *Producer) MaxMessage() int {
	defer runtime.KeepAlive(p)
	return int(C.annulus_producer_max_message(p.role))
}

// Peer is what is known of the consumer. It asks the kernel.
func (p *Producer) Peer() Presence {
	defer runtime.KeepAlive(p)
	return Presence(C.annulus_producer_peer(p.role))
}

// Interrupt ends the wait that runs in this role, or else the next one.
func (p *Producer) Interrupt() {
	defer runtime.KeepAlive(p)
	C.annulus_interrupt_producer(p.role)
}

// Consumer is the consumer of a channel.
type Consumer struct {
	role  *C.annulus_consumer
	stale atomic.Bool // an interrupt is left of a context that ended after its message came
}

// OpenConsumer opens the channel, which is made if it does not exist, and takes the consumer's role.
func OpenConsumer(name string) (*Consumer, error) {
	c := &Consumer{}
	err := named(name, func(n *C.char, why *C.annulus_error) bool {
		c.role = C.annulus_open_consumer(n, why)
		return c.role != nil
	})
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(c, (*Consumer).Close)
	return c, nil
}

// Close gives the role back; what was read in place is gone. What was not released comes again to
// the next consumer. Again, it does nothing.
func (c *Consumer) Close() error {
	runtime.SetFinalizer(c, nil)
	C.annulus_close_consumer(c.role)
	c.role = nil
	return nil
}

// Read gives the next message in place: it is not to be used after Release or Close. A producer that
// may write the channel can change it meanwhile: if it is not trusted, copy before parsing.
func (c *Consumer) Read(wait time.Duration) ([]byte, error) {
	defer runtime.KeepAlive(c)
	var got C.annulus_bytes
	err := refusal(C.annulus_read(c.role, nanoseconds(wait), &got))
	if err == ErrInterrupted && c.stale.Swap(false) {
		err = refusal(C.annulus_read(c.role, nanoseconds(wait), &got))
	}
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(got.data), int(got.count)), nil
}

// ReadContext is Read that waits until the context ends; then the error is the context's.
func (c *Consumer) ReadContext(ctx context.Context) ([]byte, error) {
	over := make(chan struct{})
	interrupted := make(chan bool)
	go func() {
		select {
		case <-ctx.Done():
			c.Interrupt()
			interrupted <- true
		case <-over:
			interrupted <- false
		}
	}()
	message, err := c.Read(Forever)
	close(over)
	if <-interrupted && err != ErrInterrupted {
		c.stale.Store(true)
	}
	if err == ErrInterrupted && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return message, err
}

// Release hands back the space of everything that was read.
func (c *Consumer) Release() error {
	defer runtime.KeepAlive(c)
	return refusal(C.annulus_release(c.role))
}

// MaxMessage is the most that one message can hold, bytes.
func (c *Consumer) MaxMessage() int {
	defer runtime.KeepAlive(c)
	return int(C.annulus_consumer_max_message(c.role))
}

// Peer is what is known of the producers; of several, the most alive one counts. It asks the kernel.
func (c *Consumer) Peer() Presence {
	defer runtime.KeepAlive(c)
	return Presence(C.annulus_consumer_peer(c.role))
}

// Interrupt ends the wait that runs in this role, or else the next one.
func (c *Consumer) Interrupt() {
	defer runtime.KeepAlive(c)
	c.stale.Store(false)
	C.annulus_interrupt_consumer(c.role)
}
