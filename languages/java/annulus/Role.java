package annulus;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/**
 * What a producer and a consumer have in common. A role is used by one thread at a time; another
 * may call interrupt(), until close(). Waits: Duration.ZERO never waits, Annulus.FOREVER has no
 * deadline. Once it is closed every call is refused. One that nobody closes is held until the
 * process ends: the collector closes none.
 */
public abstract class Role implements AutoCloseable {
  Pointer role;
  long epoch = 0; // of what is in place: it ends when this grows
  final Memory out = new Memory(16); // a pointer and a count

  Role(Pointer role, Memory why) {
    if (role == null) throw Annulus.failure(why);
    this.role = role;
  }

  @Override
  public abstract void close();

  static Annulus.Presence presence(int known) {
    return Annulus.Presence.values()[known];
  }
}
