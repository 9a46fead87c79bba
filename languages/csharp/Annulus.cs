// Messages between processes through shared memory, or a named pipe.
//
//     using (var tx = new Annulus.Producer("shm:orders")) {
//       tx.Push(bytes, TimeSpan.FromSeconds(1));
//       using (var claim = tx.Claim(256, Wait.Never)) {     // written in place
//         int count = Encode(claim.Span);
//         claim.Commit(count);
//       }
//     }
//     using (var rx = new Annulus.Consumer("shm:orders"))
//       while (rx.Read(Wait.Forever, out var message))      // in place, until Release
//         { Handle(message); rx.Release(); }
//
// Names      as of the library: shm:NAME, pipe:NAME or auto:NAME, options behind a '?'
// Time       Wait.Never, Wait.Forever, or a TimeSpan; one below zero has passed: it never waits
// Threads    a role is used by one thread at a time; any thread may call Interrupt until Dispose
// Errors     RefusedException has the status; OpenException the fault and a text. Read answers false
//            when the producers have closed and everything was read
//
// For .NET and mono; needs `unsafe`. The library is libannulus.so.0.
using System;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace Annulus {

public enum Status {
  Ok, Full, Empty, NeverFits, Closed, PeerGone, Stalled, Corrupt, NotPermitted, TimedOut, Interrupted,
  Removed, NoMemory
}

public enum Fault {
  BadArgument, NotFound, AlreadyExists, InUse, NoPermission, NoSpace, NotAChannel, Incompatible,
  Damaged, System
}

public enum Presence { NeverCame, Attached, Left, Died }

public static class Wait {
  public static readonly TimeSpan Never = TimeSpan.Zero;
  public static readonly TimeSpan Forever = Timeout.InfiniteTimeSpan;

  internal static long Nanoseconds(TimeSpan wait) {
    if (wait == Forever) return -1;
    if (wait.Ticks > long.MaxValue / 100) return long.MaxValue;
    return Math.Max(wait.Ticks * 100, 0);
  }
}

// A call was refused.
public class RefusedException : Exception {
  public Status Status { get; }
  public RefusedException(Status status) : base("annulus: " + status) { Status = status; }
}

// A channel could not be opened or removed: what was found, and what to do.
public class OpenException : Exception {
  public Fault Fault { get; }
  internal unsafe OpenException(ref Native.Why why) : base(Text(ref why)) {
    Fault = (Fault)why.fault;
  }
  static unsafe string Text(ref Native.Why why) {
    fixed (byte* text = why.text) {
      int count = 0;
      while (count < 1024 && text[count] != 0) ++count;
      return Encoding.UTF8.GetString(text, count);
    }
  }
}

public static class Channel {
  // Removes a channel with its files. In use: fails, unless forced.
  public static void Remove(string name, bool isForced = false) {
    Native.Why why;
    if (Native.annulus_remove(Native.Name(name), isForced, out why) == 0) {
      throw new OpenException(ref why);
    }
  }
  public static string Version {
    get { return Marshal.PtrToStringAnsi(Native.annulus_version()); }
  }
}

// Space for one message. Disposed without Commit, it aborts.
public sealed unsafe class Claim : IDisposable {
  Producer role_;
  readonly void* at_;
  readonly int count_;

  internal Claim(Producer role, void* at, int count) {
    role_ = role;
    at_ = at;
    count_ = count;
  }
  // Empty once the claim, or its producer, has ended; not to be used after that.
  public Span<byte> Span {
    get {
      bool isOpen = role_ != null && role_.IsOpen;
      return isOpen ? new Span<byte>(at_, count_) : Span<byte>.Empty;
    }
  }
  public void Commit() { Commit(count_); }
  // Sends the first `count` bytes.
  public void Commit(int count) {
    if (role_ == null) throw new RefusedException(Status.NotPermitted);
    if (count < 0 || count > count_) throw new ArgumentOutOfRangeException(nameof(count));
    var role = role_;
    role_ = null;
    role.End(count);
  }
  public void Dispose() {
    var role = role_;
    role_ = null;
    role?.End(-1);
  }
}

// A producer of a channel, which is made if it does not exist.
public sealed unsafe class Producer : IDisposable {
  IntPtr role_;

  public Producer(string name) {
    Native.Why why;
    role_ = Native.annulus_open_producer(Native.Name(name), out why);
    if (role_ == IntPtr.Zero) throw new OpenException(ref why);
  }
  ~Producer() { Dispose(); }

  // Says that no more will come, and gives the role back.
  public void Dispose() {
    Native.annulus_close_producer(role_);
    role_ = IntPtr.Zero;
    GC.SuppressFinalize(this);
  }

  // Sends one message, or throws.
  public void Push(ReadOnlySpan<byte> message, TimeSpan wait) {
    Native.Check(TryPush(message, wait));
  }
  // Sends one message, or answers why not.
  public Status TryPush(ReadOnlySpan<byte> message, TimeSpan wait) {
    fixed (byte* at = message) {
      var status = Native.annulus_push(role_, at, (UIntPtr)message.Length, Wait.Nanoseconds(wait));
      GC.KeepAlive(this);
      return status;
    }
  }
  // Space for a message of `count` bytes, to be written in place.
  public Claim Claim(int count, TimeSpan wait) {
    if (count < 0) throw new ArgumentOutOfRangeException(nameof(count));
    void* at;
    Native.Check(
        Native.annulus_claim(role_, (UIntPtr)(uint)count, Wait.Nanoseconds(wait), out at));
    return new Claim(this, at, count);
  }
  internal bool IsOpen { get { return role_ != IntPtr.Zero; } }
  internal void End(int count) {
    if (count >= 0) {
      Native.Check(Native.annulus_commit(role_, (UIntPtr)(uint)count));
    } else {
      Native.annulus_abort(role_);  // refused once the role has closed: it had aborted the claim
    }
    GC.KeepAlive(this);
  }

  // The most that one message can hold, bytes.
  public long MaxMessage {
    get {
      var most = Native.annulus_producer_max_message(role_);
      GC.KeepAlive(this);
      return (long)most;
    }
  }
  // What is known of the consumer. Asks the kernel.
  public Presence Peer {
    get {
      var known = Native.annulus_producer_peer(role_);
      GC.KeepAlive(this);
      return known;
    }
  }
  // Ends the wait that runs in this role, or else the next one.
  public void Interrupt() {
    Native.annulus_interrupt_producer(role_);
    GC.KeepAlive(this);
  }
}

// The consumer of a channel, which is made if it does not exist.
public sealed unsafe class Consumer : IDisposable {
  IntPtr role_;

  public Consumer(string name) {
    Native.Why why;
    role_ = Native.annulus_open_consumer(Native.Name(name), out why);
    if (role_ == IntPtr.Zero) throw new OpenException(ref why);
  }
  ~Consumer() { Dispose(); }

  // Gives the role back. What was not released comes again to the next consumer.
  public void Dispose() {
    Native.annulus_close_consumer(role_);
    role_ = IntPtr.Zero;
    GC.SuppressFinalize(this);
  }

  // The next message in place: not to be used after Release or Dispose. False: the producers have
  // closed, and everything was read.
  public bool Read(TimeSpan wait, out ReadOnlySpan<byte> message) {
    var status = TryRead(wait, out message);
    if (status == Status.Closed) return false;
    Native.Check(status);
    return true;
  }
  // The same; answers why there is no message.
  public Status TryRead(TimeSpan wait, out ReadOnlySpan<byte> message) {
    Native.Bytes got;
    var status = Native.annulus_read(role_, Wait.Nanoseconds(wait), out got);
    message = new ReadOnlySpan<byte>(got.data, (int)got.count);
    GC.KeepAlive(this);
    return status;
  }
  // Hands back the space of everything that was read.
  public void Release() {
    Native.Check(Native.annulus_release(role_));
    GC.KeepAlive(this);
  }

  // The most that one message can hold, bytes.
  public long MaxMessage {
    get {
      var most = Native.annulus_consumer_max_message(role_);
      GC.KeepAlive(this);
      return (long)most;
    }
  }
  // What is known of the producers: of several the most alive one counts. Asks the kernel.
  public Presence Peer {
    get {
      var known = Native.annulus_consumer_peer(role_);
      GC.KeepAlive(this);
      return known;
    }
  }
  // Ends the wait that runs in this role, or else the next one.
  public void Interrupt() {
    Native.annulus_interrupt_consumer(role_);
    GC.KeepAlive(this);
  }
}

static unsafe class Native {
  const string library = "libannulus.so.0";

  internal struct Why {
    internal int fault;
    internal fixed byte text[1024];
  }
  internal struct Bytes {
    internal void* data;
    internal UIntPtr count;
  }

  internal static byte[] Name(string name) {
    if (name == null) throw new ArgumentNullException(nameof(name));
    if (name.IndexOf('\0') >= 0) throw new ArgumentException("a name has no zero character");
    return Encoding.UTF8.GetBytes(name + '\0');
  }
  internal static void Check(Status status) {
    if (status != Status.Ok) throw new RefusedException(status);
  }

  [DllImport(library)] internal static extern IntPtr annulus_version();
  [DllImport(library)]
  internal static extern IntPtr annulus_open_producer(byte[] name, out Why why);
  [DllImport(library)] internal static extern void annulus_close_producer(IntPtr role);
  [DllImport(library)]
  internal static extern Status annulus_push(IntPtr role, byte* data, UIntPtr count, long wait);
  [DllImport(library)]
  internal static extern Status annulus_claim(IntPtr role, UIntPtr count, long wait, out void* at);
  [DllImport(library)] internal static extern Status annulus_commit(IntPtr role, UIntPtr count);
  [DllImport(library)] internal static extern Status annulus_abort(IntPtr role);
  [DllImport(library)] internal static extern UIntPtr annulus_producer_max_message(IntPtr role);
  [DllImport(library)] internal static extern Presence annulus_producer_peer(IntPtr role);
  [DllImport(library)] internal static extern void annulus_interrupt_producer(IntPtr role);
  [DllImport(library)]
  internal static extern IntPtr annulus_open_consumer(byte[] name, out Why why);
  [DllImport(library)] internal static extern void annulus_close_consumer(IntPtr role);
  [DllImport(library)]
  internal static extern Status annulus_read(IntPtr role, long wait, out Bytes message);
  [DllImport(library)] internal static extern Status annulus_release(IntPtr role);
  [DllImport(library)] internal static extern UIntPtr annulus_consumer_max_message(IntPtr role);
  [DllImport(library)] internal static extern Presence annulus_consumer_peer(IntPtr role);
  [DllImport(library)] internal static extern void annulus_interrupt_consumer(IntPtr role);
  [DllImport(library)]
  internal static extern byte annulus_remove(byte[] name, [MarshalAs(UnmanagedType.I1)] bool isForced,
                                             out Why why);
}

}
