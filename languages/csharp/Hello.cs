// "Hello" and its answer: what a NamedPipeClientStream and its server do, over a pipe or a ring.
//
//     mono hello.exe serve shm:hello      answers until its client closes
//     mono hello.exe ask shm:hello        says hello, and prints the answer
//
// A channel has one direction, so there are two.
using System;
using System.Text;
using Annulus;

static class Hello {
  static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

  static void Serve(string name) {
    using (var requests = new Consumer(name + ".requests"))
    using (var answers = new Producer(name + ".answers"))
      while (requests.Read(Wait.Forever, out var request)) {
        answers.Push(request, patience);  // from one channel into the other, in place
        requests.Release();
      }
  }

  static void Ask(string name) {
    using (var answers = new Consumer(name + ".answers"))
    using (var requests = new Producer(name + ".requests")) {
      requests.Push(Encoding.UTF8.GetBytes("Hello"), patience);
      if (!answers.Read(patience, out var answer)) throw new Exception("the server has left");
      Console.WriteLine(Encoding.UTF8.GetString(answer.ToArray()));
      answers.Release();
    }
  }

  static int Main(string[] words) {
    if (words.Length == 2 && words[0] == "serve") {
      Serve(words[1]);
      return 0;
    }
    if (words.Length == 2 && words[0] == "ask") {
      Ask(words[1]);
      return 0;
    }
    Console.Error.WriteLine("hello.exe serve|ask shm:NAME|pipe:NAME");
    return 2;
  }
}
