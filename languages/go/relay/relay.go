// A station of languages/relay: passes on what comes, until its producer closes.
package main

import (
	"log"
	"os"
	"time"

	"annulus"
)

const patience = time.Minute

func main() {
	rx, err := annulus.OpenConsumer(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	tx, err := annulus.OpenProducer(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	for {
		message, err := rx.Read(patience)
		if err == annulus.ErrPeerGone { // its successor is on its way
			continue
		}
		if err == annulus.ErrClosed {
			tx.Close()
			return
		}
		for err == nil {
			if err = tx.Push(message, patience); err == nil {
				break
			}
			if err == annulus.ErrPeerGone {
				err = nil
			}
		}
		if err != nil {
			log.Fatal(err)
		}
		rx.Release()
	}
}
