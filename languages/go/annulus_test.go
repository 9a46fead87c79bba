package annulus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// each runs a test over every transport, under a name that nobody else uses.
func each(t *testing.T, run func(t *testing.T, name string)) {
	for _, scheme := range []string{"shm", "pipe", "auto"} {
		name := fmt.Sprintf("%s:test.go.%d.%d", scheme, os.Getpid(), time.Now().UnixNano())
		t.Run(scheme, func(t *testing.T) {
			defer Remove(name, true)
			run(t, name)
		})
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func expect(t *testing.T, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Fatalf("%v, not %v", err, wanted)
	}
}

func someMessages() (all [][]byte, frames []byte) {
	for n := 0; n < 2000; n++ {
		one := bytes.Repeat([]byte{byte(n)}, n%300)
		all = append(all, one)
		frames = append(binary.LittleEndian.AppendUint32(frames, uint32(len(one))), one...)
	}
	return all, frames
}

func command(arguments ...string) *exec.Cmd {
	one := exec.Command(os.Getenv("ANNULUS_COMMAND"), arguments...)
	one.Stderr = os.Stderr
	return one
}

func TestMessagesAndClaimsArriveInOrder(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		tx := must[*Producer](t)(OpenProducer(name))
		defer tx.Close()
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		expect(t, tx.Push([]byte("one"), Never), nil)
		expect(t, tx.Push(nil, time.Second), nil)
		claim := must[[]byte](t)(tx.Claim(100, Never))
		expect(t, tx.Push([]byte("x"), Never), ErrNotPermitted)
		copy(claim, "two")
		expect(t, tx.Commit(3), nil)
		must[[]byte](t)(tx.Claim(10, Never))
		expect(t, tx.Abort(), nil)
		for _, wanted := range []string{"one", "", "two"} {
			if got := must[[]byte](t)(rx.Read(time.Second)); string(got) != wanted {
				t.Fatalf("%q, not %q", got, wanted)
			}
		}
		expect(t, rx.Release(), nil)
		_, err := rx.Read(Never)
		expect(t, err, ErrEmpty)
		if tx.Peer() != Attached {
			t.Fatal(tx.Peer())
		}
		tx.Close()
		expect(t, tx.Push(nil, Never), ErrNotPermitted)
		_, err = rx.Read(Forever)
		expect(t, err, ErrClosed)
	})
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		_, err := OpenConsumer(name + "?create=no")
		var why *OpenError
		if !errors.As(err, &why) || why.Fault != NotFound {
			t.Fatal(err)
		}
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		_, err = OpenConsumer(name)
		if !errors.As(err, &why) || why.Fault != InUse {
			t.Fatal(err)
		}
		_, err = rx.Read(time.Millisecond)
		expect(t, err, ErrTimedOut)
		_, err = rx.Read(-time.Second) // a deadline that has passed
		expect(t, err, ErrEmpty)
		_, err = OpenProducer(name + "\x00")
		if !errors.As(err, &why) || why.Fault != BadArgument {
			t.Fatal(err)
		}
	})
}

func TestAContextEndsAWait(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		_, err := rx.ReadContext(ctx)
		expect(t, err, context.Canceled)
	})
}

func TestAContextThatEndsTooLateInterruptsNothingElse(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		tx := must[*Producer](t)(OpenProducer(name))
		defer tx.Close()
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		for i := 0; i < 200; i++ { // either may be chosen: what has come, or the end
			expect(t, tx.Push([]byte("hello"), Never), nil)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := rx.ReadContext(ctx); err != nil {
				expect(t, err, context.Canceled)
				must[[]byte](t)(rx.Read(Never))
			}
			expect(t, rx.Release(), nil)
			_, err := rx.Read(time.Microsecond)
			expect(t, err, ErrTimedOut)
		}
		rx.Interrupt()
		_, err := rx.Read(Forever)
		expect(t, err, ErrInterrupted)
	})
}

func TestWhatCppSendsIsRead(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		all, frames := someMessages()
		sender := command("send", name, "--frames")
		sender.Stdin = bytes.NewReader(frames)
		expect(t, sender.Start(), nil)
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		for _, wanted := range all {
			if got := must[[]byte](t)(rx.Read(30 * time.Second)); !bytes.Equal(got, wanted) {
				t.Fatal("not what was sent")
			}
			rx.Release()
		}
		_, err := rx.Read(30 * time.Second)
		expect(t, err, ErrClosed)
		expect(t, sender.Wait(), nil)
	})
}

func TestWhatIsSentCppReads(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		all, frames := someMessages()
		tx := must[*Producer](t)(OpenProducer(name))
		defer tx.Close()
		receiver := command("recv", name, "--frames")
		var received bytes.Buffer
		receiver.Stdout = &received
		expect(t, receiver.Start(), nil)
		for tx.Peer() != Attached { // a pipe keeps only what somebody has open
			if receiver.ProcessState != nil {
				t.Fatal("recv has ended")
			}
		}
		for _, one := range all {
			expect(t, tx.Push(one, 30*time.Second), nil)
		}
		tx.Close()
		expect(t, receiver.Wait(), nil)
		if !bytes.Equal(received.Bytes(), frames) {
			t.Fatal("not what was sent")
		}
	})
}

func TestAKilledProducerLosesNothingThatWasSent(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		all, frames := someMessages()
		rx := must[*Consumer](t)(OpenConsumer(name))
		defer rx.Close()
		sender := command("send", name, "--frames")
		input, _ := sender.StdinPipe()
		expect(t, sender.Start(), nil)
		go input.Write(frames)
		for range all {
			must[[]byte](t)(rx.Read(30 * time.Second))
			rx.Release()
		}
		sender.Process.Kill()
		_, err := rx.Read(30 * time.Second)
		expect(t, err, ErrPeerGone)
		if rx.Peer() != Died {
			t.Fatal(rx.Peer())
		}
		sender.Wait()
	})
}
