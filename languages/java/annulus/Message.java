package annulus;

import com.sun.jna.Pointer;

/**
 * Bytes in place: a message until its release, or a claim until its commit or abort. After that
 * every access throws IllegalStateException; nothing reaches memory that is another's by then.
 */
public final class Message {
  private final Pointer at;
  private final int count;
  private final Role owner;
  private final long epoch;

  Message(Pointer at, long count, Role owner) {
    this.at = at;
    this.count = Math.toIntExact(count);
    this.owner = owner;
    this.epoch = owner.epoch;
  }

  /** Its length, bytes. */
  public int size() {
    return count;
  }

  public byte get(int index) {
    return within(index, 1).getByte(index);
  }

  /** Copies bytes from `index` on into `to`. */
  public void get(int index, byte[] to) {
    if (to.length > 0) within(index, to.length).read(index, to, 0, to.length);
  }

  /** All of it, copied. */
  public byte[] toBytes() {
    byte[] all = new byte[count];
    get(0, all);
    return all;
  }

  /** Writes into a claim. */
  public void put(int index, byte[] from) {
    if (!(owner instanceof Producer)) throw new UnsupportedOperationException("a message is read");
    if (from.length > 0) within(index, from.length).write(index, from, 0, from.length);
  }

  private Pointer within(int index, int bytes) {
    if (owner.epoch != epoch) throw new IllegalStateException("the bytes in place have ended");
    if (index < 0 || bytes > count - index) throw new IndexOutOfBoundsException(index);
    return at;
  }
}
