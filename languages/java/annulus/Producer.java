package annulus;

import static annulus.Annulus.C;

import com.sun.jna.Memory;
import java.time.Duration;

/**
 * A producer of a channel.
 *
 * <pre>
 * try (Producer tx = new Producer("shm:orders")) {
 *   tx.push(hello, Duration.ofSeconds(1));
 * }
 * </pre>
 */
public final class Producer extends Role {
  public Producer(String name) {
    this(name, new Memory(Annulus.ERROR_BYTES));
  }

  private Producer(String name, Memory why) {
    super(C.annulus_open_producer(Annulus.bytes(name), why), why);
  }

  /** Says that no more will come. An open claim is aborted. */
  @Override
  public void close() {
    ++epoch;
    C.annulus_close_producer(role);
    role = null;
  }

  /** Sends one message. */
  public void push(byte[] message, Duration wait) throws Refused {
    Annulus.check(C.annulus_push(role, message, message.length, Annulus.nanoseconds(wait)));
  }

  /** Space for a message of `count` bytes, written in place. One claim may be open at a time. */
  public Message claim(int count, Duration wait) throws Refused {
    if (count < 0) throw new IllegalArgumentException("a claim of " + count + " bytes");
    Annulus.check(C.annulus_claim(role, count, Annulus.nanoseconds(wait), out));
    return new Message(out.getPointer(0), count, this);
  }

  /** Sends the first `count` bytes of the open claim. */
  public void commit(int count) throws Refused {
    if (count < 0) throw new IllegalArgumentException("a message of " + count + " bytes");
    ++epoch;
    Annulus.check(C.annulus_commit(role, count));
  }

  /** Gives the open claim up. */
  public void abort() throws Refused {
    ++epoch;
    Annulus.check(C.annulus_abort(role));
  }

  public long maxMessage() {
    return C.annulus_producer_max_message(role);
  }

  /** What is known of the consumer. Asks the kernel. */
  public Annulus.Presence peer() {
    return presence(C.annulus_producer_peer(role));
  }

  /** Ends the wait that runs in this role, or else the next one. From any thread. */
  public void interrupt() {
    C.annulus_interrupt_producer(role);
  }
}
