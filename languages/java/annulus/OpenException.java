package annulus;

/** A channel could not be opened or removed: the message says what was found, and what to do. */
public final class OpenException extends RuntimeException {
  /** The reason. */
  public enum Fault {
    BAD_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, IN_USE, NO_PERMISSION, NO_SPACE, NOT_A_CHANNEL,
    INCOMPATIBLE, DAMAGED, SYSTEM
  }

  public final Fault fault;

  OpenException(int fault, String text) {
    super(text);
    this.fault = fault < Fault.values().length ? Fault.values()[fault] : Fault.SYSTEM;
  }
}
