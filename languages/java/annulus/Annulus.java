package annulus;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.time.Duration;

/** Channels by name: what belongs to no role. */
public final class Annulus {
  private Annulus() {}

  /** A wait without a deadline. Any other wait below zero has passed: it never waits. */
  public static final Duration FOREVER = Duration.ofNanos(-1);

  /** Removes a channel with its files. In use: fails, unless forced. */
  public static void remove(String name, boolean isForced) {
    Memory why = new Memory(ERROR_BYTES);
    if (C.annulus_remove(bytes(name), isForced ? (byte) 1 : 0, why) == 0) throw failure(why);
  }

  /** What is known of the other side. */
  public enum Presence { NEVER_CAME, ATTACHED, LEFT, DIED }

  // The C interface, by JNA's direct mapping. A size_t is a long on the processors it runs on.
  static final class C {
    static {
      Native.register(C.class, System.getProperty("annulus.library", "libannulus.so.0"));
    }
    static native Pointer annulus_open_producer(byte[] name, Pointer why);
    static native void annulus_close_producer(Pointer role);
    static native int annulus_push(Pointer role, byte[] data, long count, long wait);
    static native int annulus_claim(Pointer role, long count, long wait, Pointer at);
    static native int annulus_commit(Pointer role, long count);
    static native int annulus_abort(Pointer role);
    static native long annulus_producer_max_message(Pointer role);
    static native int annulus_producer_peer(Pointer role);
    static native void annulus_interrupt_producer(Pointer role);
    static native Pointer annulus_open_consumer(byte[] name, Pointer why);
    static native void annulus_close_consumer(Pointer role);
    static native int annulus_read(Pointer role, long wait, Pointer message);
    static native int annulus_release(Pointer role);
    static native long annulus_consumer_max_message(Pointer role);
    static native int annulus_consumer_peer(Pointer role);
    static native void annulus_interrupt_consumer(Pointer role);
    static native byte annulus_remove(byte[] name, byte isForced, Pointer why);
    static native String annulus_text(int status);
  }

  static final int ERROR_BYTES = 4 + 1024;

  static byte[] bytes(String name) {
    if (name.indexOf('\0') >= 0) throw new IllegalArgumentException("a channel's name with a NUL");
    return Native.toByteArray(name, "UTF-8");
  }

  static OpenException failure(Pointer why) {
    return new OpenException(why.getInt(0), why.getString(4, "UTF-8"));
  }

  static long nanoseconds(Duration wait) {
    if (wait.equals(FOREVER)) return -1;
    if (wait.isNegative()) return 0;
    return wait.getSeconds() > Integer.MAX_VALUE ? Long.MAX_VALUE / 2 : wait.toNanos();
  }

  static void check(int status) throws Refused {
    if (status != 0) throw new Refused(status);
  }
}
