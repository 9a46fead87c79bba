package annulus;

/** A call was refused. Each reason asks for something else of the caller. */
public final class Refused extends Exception {
  /** Why. */
  public enum Why {
    OK,
    /** No room now. */
    FULL,
    /** No message now. */
    EMPTY,
    /** Larger than the largest message: no waiting will help. */
    NEVER_FITS,
    /** The other side closed, and there is no room, or all was read. */
    CLOSED,
    /** The other side died without closing, and the same. */
    PEER_GONE,
    /** A live producer has claimed and not yet committed. */
    STALLED,
    /** Damaged records were skipped; the next call goes on. */
    CORRUPT,
    /** The role is closed, another process's, or has an open claim. */
    NOT_PERMITTED,
    /** The wait has passed. */
    TIMED_OUT,
    /** interrupt() ended the wait. */
    INTERRUPTED,
    /** The channel's name is gone: nobody else comes. */
    REMOVED,
    /** The ring took no memory when it was made, and there is none now. */
    NO_MEMORY
  }

  public final Why why;

  // Without a stack trace: a poll that finds nothing is no accident, and should cost little.
  Refused(int status) {
    super(Annulus.C.annulus_text(status), null, false, false);
    this.why = Why.values()[status];
  }
}
