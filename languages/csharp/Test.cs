// The C# package against itself and, through the command, against C++.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Annulus;

static class Test {
  static readonly string command = Environment.GetEnvironmentVariable("ANNULUS_COMMAND");

  static void Check(bool isSo, string what) {
    if (!isSo) throw new Exception("not so: " + what);
  }
  static Status Refused(Action call) {
    try {
      call();
      return Status.Ok;
    } catch (RefusedException why) {
      return why.Status;
    }
  }
  static Fault? Failed(Action call) {
    try {
      call();
      return null;
    } catch (OpenException why) {
      Check(why.Message.Length > 10, why.Message);
      return why.Fault;
    }
  }
  static byte[] Text(string text) { return System.Text.Encoding.UTF8.GetBytes(text); }
  static bool Next(Consumer rx, string text) {
    ReadOnlySpan<byte> got;
    Check(rx.Read(TimeSpan.FromSeconds(30), out got), "a message, " + text);
    return got.SequenceEqual(Text(text));
  }

  static void MessagesAndClaimsArriveInOrder(string name) {
    using (var rx = new Consumer(name)) {
      var tx = new Producer(name);
      tx.Push(Text("one"), Wait.Never);
      tx.Push(ReadOnlySpan<byte>.Empty, TimeSpan.FromSeconds(1));
      using (var claim = tx.Claim(100, Wait.Never)) {
        Text("two").AsSpan().CopyTo(claim.Span);
        Check(tx.TryPush(Text("x"), Wait.Never) == Status.NotPermitted, "one claim at a time");
        claim.Commit(3);
        Check(claim.Span.IsEmpty, "no bytes after commit");
      }
      using (tx.Claim(10, Wait.Never)) {
      }
      Check(Next(rx, "one") && Next(rx, "") && Next(rx, "two"), "what was sent");
      rx.Release();
      ReadOnlySpan<byte> none;
      Check(rx.TryRead(Wait.Never, out none) == Status.Empty, "empty");
      Check(tx.Peer == Presence.Attached, "the consumer is attached");
      tx.Dispose();
      Check(Refused(() => tx.Push(Text("x"), Wait.Never)) == Status.NotPermitted, "disposed");
      Check(!rx.Read(Wait.Forever, out none), "the end");
    }
  }

  static bool Throws<T>(Action call) where T : Exception {
    try {
      call();
      return false;
    } catch (T) {
      return true;
    }
  }

  static void AClaimEndsWithItsProducer(string name) {
    var tx = new Producer(name);
    var claim = tx.Claim(10, Wait.Never);
    Check(claim.Span.Length == 10, "the claim's bytes");
    tx.Dispose();
    Check(claim.Span.IsEmpty, "no bytes of a producer that closed");
    Check(Refused(() => claim.Commit()) == Status.NotPermitted, "closed");
    claim.Dispose();
  }

  static void WrongArgumentsAreSaid(string name) {
    Check(Throws<ArgumentNullException>(() => new Producer(null)), "no name");
    Check(Throws<ArgumentException>(() => new Producer("shm:x\0y")), "a zero in a name");
    using (var tx = new Producer(name)) {
      Check(Throws<ArgumentOutOfRangeException>(() => tx.Claim(-1, Wait.Never)), "a claim of -1");
      using (var claim = tx.Claim(4, Wait.Never)) {
        Check(Throws<ArgumentOutOfRangeException>(() => claim.Commit(5)), "5 bytes of 4");
        Check(Throws<ArgumentOutOfRangeException>(() => claim.Commit(-1)), "-1 bytes");
      }
      Check(tx.TryPush(Text("x"), Wait.Never) == Status.Ok, "no claim is left open");
    }
    using (var rx = new Consumer(name)) {
      ReadOnlySpan<byte> none;
      if (rx.TryRead(Wait.Never, out none) == Status.Ok) rx.Release();
      var status = rx.TryRead(TimeSpan.FromSeconds(-5), out none);
      Check(status != Status.Interrupted, "a time that has passed does not wait");
    }
  }

  static void RefusalsSayWhatIsWrong(string name) {
    Check(Failed(() => new Consumer(name + "?create=no")) == Fault.NotFound, "not found");
    using (var rx = new Consumer(name)) {
      Check(Failed(() => new Consumer(name)) == Fault.InUse, "in use");
      Check(Failed(() => Channel.Remove(name)) == Fault.InUse, "in use");
      ReadOnlySpan<byte> none;
      Check(rx.TryRead(TimeSpan.FromMilliseconds(1), out none) == Status.TimedOut, "timed out");
      var other = new Thread(rx.Interrupt);
      other.Start();
      Check(rx.TryRead(Wait.Forever, out none) == Status.Interrupted, "interrupted");
      other.Join();
      using (var tx = new Producer(name)) {
        Check(Refused(() => tx.Claim((int)tx.MaxMessage + 1, Wait.Never)) == Status.NeverFits,
              "never fits");
      }
    }
  }

  static List<byte[]> SomeMessages() {
    var all = new List<byte[]>();
    for (int n = 0; n < 2000; ++n) {
      var one = new byte[n % 300];
      for (int i = 0; i < one.Length; ++i) one[i] = (byte)(n * 31 + i);
      all.Add(one);
    }
    return all;
  }
  static byte[] Frames(List<byte[]> all) {
    var out_ = new MemoryStream();
    foreach (var one in all) {
      out_.Write(BitConverter.GetBytes(one.Length), 0, 4);
      out_.Write(one, 0, one.Length);
    }
    return out_.ToArray();
  }
  static Process Start(string arguments) { return Start(command, arguments); }
  static Process Start(string program, string arguments) {
    return Process.Start(new ProcessStartInfo(program, arguments) {
      UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true
    });
  }
  static void Expect(Consumer rx, List<byte[]> all) {
    foreach (var one in all) {
      ReadOnlySpan<byte> got;
      Check(rx.Read(TimeSpan.FromSeconds(30), out got) && got.SequenceEqual(one), "as sent");
      rx.Release();
    }
  }

  static void WhatCppSendsIsRead(string name) {
    var all = SomeMessages();
    using (var sender = Start("send " + name + " --frames"))
    using (var rx = new Consumer(name)) {
      var input = sender.StandardInput.BaseStream;
      var frames = Frames(all);
      var writing = new Thread(() => { input.Write(frames, 0, frames.Length); input.Close(); });
      writing.Start();
      Expect(rx, all);
      ReadOnlySpan<byte> none;
      Check(!rx.Read(TimeSpan.FromSeconds(30), out none), "the end");
      writing.Join();
      sender.WaitForExit();
      Check(sender.ExitCode == 0, "send ends with 0");
    }
  }

  static void WhatIsSentCppReads(string name) {
    var all = SomeMessages();
    var tx = new Producer(name);
    using (var receiver = Start("recv " + name + " --frames")) {
      var received = new MemoryStream();
      var reading = new Thread(() => receiver.StandardOutput.BaseStream.CopyTo(received));
      reading.Start();
      while (tx.Peer != Presence.Attached) Check(!receiver.HasExited, "recv runs");
      foreach (var one in all) tx.Push(one, TimeSpan.FromSeconds(30));
      tx.Dispose();
      reading.Join();
      receiver.WaitForExit();
      Check(receiver.ExitCode == 0, "recv ends with 0");
      Check(received.ToArray().AsSpan().SequenceEqual(Frames(all)), "as sent");
    }
  }

  static void HelloIsAnswered(string name) {
    var program = Environment.GetEnvironmentVariable("ANNULUS_HELLO");
    try {
      using (var server = Start("mono", program + " serve " + name))
      using (var client = Start("mono", program + " ask " + name)) {
        var answer = client.StandardOutput.ReadToEnd();
        Check(answer == "Hello\n", answer);
        client.WaitForExit();
        server.WaitForExit();
        Check(client.ExitCode == 0 && server.ExitCode == 0, "both end with 0");
      }
    } finally {
      foreach (var channel in new[] { ".requests", ".answers" }) {
        Channel.Remove(name + channel, true);
      }
    }
  }

  static void AKilledProducerLosesNothingThatWasSent(string name) {
    var all = SomeMessages();
    using (var sender = Start("send " + name + " --frames"))
    using (var rx = new Consumer(name)) {
      var input = sender.StandardInput.BaseStream;
      var frames = Frames(all);
      var writing = new Thread(() => { input.Write(frames, 0, frames.Length); input.Flush(); });
      writing.Start();
      Expect(rx, all);
      writing.Join();
      sender.Kill();
      sender.WaitForExit();
      ReadOnlySpan<byte> none;
      Check(rx.TryRead(TimeSpan.FromSeconds(30), out none) == Status.PeerGone, "peer gone");
      Check(rx.Peer == Presence.Died, "died");
    }
  }

  static int Main() {
    foreach (var run in new Action<string>[] {
               MessagesAndClaimsArriveInOrder, AClaimEndsWithItsProducer, WrongArgumentsAreSaid,
               RefusalsSayWhatIsWrong, WhatCppSendsIsRead, WhatIsSentCppReads,
               HelloIsAnswered, AKilledProducerLosesNothingThatWasSent }) {
      foreach (var scheme in new[] { "shm", "pipe", "auto" }) {
        var name = scheme + ":test.csharp." + Guid.NewGuid().ToString("N");
        try {
          run(name);
          Console.WriteLine("ok  " + run.Method.Name + " " + scheme);
        } finally {
          try {
            Channel.Remove(name, true);
          } catch (OpenException) {
          }
        }
      }
    }
    return 0;
  }
}
