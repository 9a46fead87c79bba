import annulus.Annulus;
import annulus.Consumer;
import annulus.Message;
import annulus.OpenException;
import annulus.Producer;
import annulus.Refused;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The package against itself and, through the command, against C++. */
public final class Test {
  interface Run { void on(String name) throws Exception; }
  interface Call { void run() throws Exception; }

  static final Duration NOW = Duration.ZERO, SOON = Duration.ofSeconds(30);
  static int made = 0;

  // Runs a test over every transport, under a name that nobody else uses.
  static void each(String what, Run run) throws Exception {
    for (String scheme : List.of("shm", "pipe", "auto")) {
      String name = scheme + ":test.java." + ProcessHandle.current().pid() + "." + ++made;
      try {
        run.on(name);
      } finally {
        try {
          Annulus.remove(name, true);
        } catch (OpenException why) {
          if (why.fault != OpenException.Fault.NOT_FOUND) throw why;
        }
      }
      System.out.println("passed: " + what + ", " + scheme);
    }
  }

  static void expect(boolean holds, Object what) {
    if (!holds) throw new AssertionError(what);
  }

  static void refused(Refused.Why wanted, Call call) throws Exception {
    try {
      call.run();
    } catch (Refused got) {
      expect(got.why == wanted, got.why + ", not " + wanted);
      return;
    }
    throw new AssertionError("not refused: " + wanted);
  }

  static void thrown(Class<?> wanted, Call call) throws Exception {
    try {
      call.run();
    } catch (RuntimeException got) {
      expect(got.getClass() == wanted, got);
      return;
    }
    throw new AssertionError("not thrown: " + wanted);
  }

  static void fails(OpenException.Fault wanted, Call call) throws Exception {
    try {
      call.run();
    } catch (OpenException got) {
      expect(got.fault == wanted, got);
      return;
    }
    throw new AssertionError("opened: " + wanted);
  }

  static List<byte[]> sent() {
    List<byte[]> all = new ArrayList<>();
    for (int n = 0; n < 2000; ++n) {
      byte[] one = new byte[n % 300];
      Arrays.fill(one, (byte) n);
      all.add(one);
    }
    return all;
  }

  static byte[] frames() throws Exception {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] one : sent()) {
      all.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(one.length).array());
      all.write(one);
    }
    return all.toByteArray();
  }

  static Process command(String verb, String name) throws Exception {
    return new ProcessBuilder(System.getenv("ANNULUS_COMMAND"), verb, name, "--frames")
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  static void messagesAndClaimsArriveInOrder(String name) throws Exception {
    try (Producer tx = new Producer(name); Consumer rx = new Consumer(name)) {
      tx.push("one".getBytes(), NOW);
      tx.push(new byte[0], Duration.ofSeconds(1));
      Message claim = tx.claim(100, NOW);
      refused(Refused.Why.NOT_PERMITTED, () -> tx.push(new byte[1], NOW));
      claim.put(0, "two".getBytes());
      thrown(IndexOutOfBoundsException.class, () -> claim.put(98, new byte[3]));
      tx.commit(3);
      thrown(IllegalStateException.class, () -> claim.put(0, new byte[1]));
      tx.claim(10, NOW);
      tx.abort();
      for (String wanted : List.of("one", "", "two")) {
        String got = new String(rx.read(Duration.ofSeconds(1)).toBytes());
        expect(got.equals(wanted), got);
      }
      rx.release();
      refused(Refused.Why.EMPTY, () -> rx.read(NOW));
      expect(tx.peer() == Annulus.Presence.ATTACHED, tx.peer());
      tx.close();
      refused(Refused.Why.NOT_PERMITTED, () -> tx.push(new byte[1], NOW));
      refused(Refused.Why.CLOSED, () -> rx.read(Annulus.FOREVER));
    }
  }

  static void aMessageEndsAtItsRelease(String name) throws Exception {
    try (Producer tx = new Producer(name); Consumer rx = new Consumer(name)) {
      tx.push("abcdef".getBytes(), NOW);
      Message got = rx.read(NOW);
      expect(got.get(1) == 'b' && got.size() == 6, got);
      thrown(IndexOutOfBoundsException.class, () -> got.get(6));
      thrown(UnsupportedOperationException.class, () -> got.put(0, new byte[1]));
      rx.release();
      thrown(IllegalStateException.class, () -> got.get(0));
      tx.push("abcdef".getBytes(), NOW);
      Message last = rx.read(NOW);
      rx.close();
      thrown(IllegalStateException.class, last::toBytes);
    }
  }

  static void refusalsSayWhatIsWrong(String name) throws Exception {
    fails(OpenException.Fault.NOT_FOUND, () -> new Consumer(name + "?create=no"));
    fails(OpenException.Fault.BAD_ARGUMENT, () -> new Producer("nowhere:x"));
    thrown(IllegalArgumentException.class, () -> new Producer(name + "\0"));
    try (Consumer rx = new Consumer(name); Producer tx = new Producer(name)) {
      fails(OpenException.Fault.IN_USE, () -> new Consumer(name));
      refused(Refused.Why.TIMED_OUT, () -> rx.read(Duration.ofMillis(1)));
      refused(Refused.Why.EMPTY, () -> rx.read(Duration.ofMillis(-1)));
      refused(Refused.Why.NEVER_FITS, () -> tx.claim((int) tx.maxMessage() + 1, NOW));
    }
  }

  static void anotherThreadEndsAWait(String name) throws Exception {
    try (Consumer rx = new Consumer(name)) {
      Thread other = new Thread(rx::interrupt);
      other.start();
      refused(Refused.Why.INTERRUPTED, () -> rx.read(Annulus.FOREVER));
      other.join();
    }
  }

  static void whatCppSendsIsRead(String name) throws Exception {
    Process sender = command("send", name);
    Thread writing = new Thread(() -> {
      try (var to = sender.getOutputStream()) {
        to.write(frames());
      } catch (Exception why) {
        throw new RuntimeException(why);
      }
    });
    writing.start();
    try (Consumer rx = new Consumer(name)) {
      for (byte[] wanted : sent()) {
        expect(Arrays.equals(rx.read(SOON).toBytes(), wanted), "not what was sent");
        rx.release();
      }
      refused(Refused.Why.CLOSED, () -> rx.read(SOON));
    }
    writing.join();
    expect(sender.waitFor() == 0, "send failed");
  }

  static void whatIsSentCppReads(String name) throws Exception {
    try (Producer tx = new Producer(name)) {
      Process receiver = command("recv", name);
      var received = new ByteArrayOutputStream();
      Thread reading = new Thread(() -> {
        try {
          receiver.getInputStream().transferTo(received);
        } catch (Exception why) {
          throw new RuntimeException(why);
        }
      });
      reading.start();
      while (tx.peer() != Annulus.Presence.ATTACHED) { // a pipe keeps only what somebody has open
        expect(receiver.isAlive(), "recv has ended");
      }
      for (byte[] one : sent()) tx.push(one, SOON);
      tx.close();
      reading.join();
      expect(receiver.waitFor() == 0, "recv failed");
      expect(Arrays.equals(received.toByteArray(), frames()), "not what was sent");
    }
  }

  static void aKilledProducerLosesNothingThatWasSent(String name) throws Exception {
    try (Consumer rx = new Consumer(name)) {
      Process sender = command("send", name);
      sender.getOutputStream().write(frames());
      sender.getOutputStream().flush();
      for (byte[] wanted : sent()) {
        expect(Arrays.equals(rx.read(SOON).toBytes(), wanted), "not what was sent");
        rx.release();
      }
      sender.destroyForcibly();
      refused(Refused.Why.PEER_GONE, () -> rx.read(SOON));
      expect(rx.peer() == Annulus.Presence.DIED, rx.peer());
    }
  }

  public static void main(String[] none) throws Exception {
    each("messages and claims arrive in order", Test::messagesAndClaimsArriveInOrder);
    each("a message ends at its release", Test::aMessageEndsAtItsRelease);
    each("refusals say what is wrong", Test::refusalsSayWhatIsWrong);
    each("another thread ends a wait", Test::anotherThreadEndsAWait);
    each("what C++ sends is read", Test::whatCppSendsIsRead);
    each("what is sent C++ reads", Test::whatIsSentCppReads);
    each("a killed producer loses nothing that was sent",
        Test::aKilledProducerLosesNothingThatWasSent);
  }
}
