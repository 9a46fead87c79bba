package annulus;

import static annulus.Annulus.C;

import com.sun.jna.Memory;
import java.time.Duration;

/**
 * The consumer of a channel.
 *
 * <pre>
 * try (Consumer rx = new Consumer("shm:orders")) {
 *   handle(rx.read(Annulus.FOREVER)); // in place
 *   rx.release();
 * }
 * </pre>
 */
public final class Consumer extends Role {
  public Consumer(String name) {
    this(name, new Memory(Annulus.ERROR_BYTES));
  }

  private Consumer(String name, Memory why) {
    super(C.annulus_open_consumer(Annulus.bytes(name), why), why);
  }

  /** Gives the role back. What was not released comes again to the next consumer. */
  @Override
  public void close() {
    ++epoch;
    C.annulus_close_consumer(role);
    role = null;
  }

  /** The next message, in place until release(). */
  public Message read(Duration wait) throws Refused {
    Annulus.check(C.annulus_read(role, Annulus.nanoseconds(wait), out));
    return new Message(out.getPointer(0), out.getLong(8), this);
  }

  /** Hands back the space of all that was read; its messages end. */
  public void release() throws Refused {
    ++epoch;
    Annulus.check(C.annulus_release(role));
  }

  public long maxMessage() {
    return C.annulus_consumer_max_message(role);
  }

  /** What is known of the producers: of several the most alive one counts. Asks the kernel. */
  public Annulus.Presence peer() {
    return presence(C.annulus_consumer_peer(role));
  }

  /** Ends the wait that runs in this role, or else the next one. From any thread. */
  public void interrupt() {
    C.annulus_interrupt_consumer(role);
  }
}
