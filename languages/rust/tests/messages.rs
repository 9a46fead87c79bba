//! The crate against itself and, through the command, against C++.

use annulus::{Consumer, Fault, Presence, Producer, Refusal, Wait};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A channel that nobody else uses; gone when the test ends.
struct Channel(String);

impl Channel {
    fn each(test: &str, run: impl Fn(&str)) {
        for scheme in ["shm", "pipe", "auto"] {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
            let channel =
                Channel(format!("{scheme}:test.rust.{test}.{}.{now}", std::process::id()));
            run(&channel.0);
        }
    }
}
impl Drop for Channel {
    fn drop(&mut self) {
        let _ = annulus::remove(&self.0, true);
    }
}

fn command() -> String {
    std::env::var("ANNULUS_COMMAND").expect("ANNULUS_COMMAND is the path of the command")
}

fn frames(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|m| [&(m.len() as u32).to_le_bytes()[..], m].concat()).collect()
}

fn some_messages() -> Vec<Vec<u8>> {
    (0..2000u32).map(|n| (0..n % 300).map(|i| (n * 31 + i) as u8).collect()).collect()
}

#[test]
fn messages_and_claims_arrive_in_order() {
    Channel::each("order", |name| {
        let mut tx = Producer::open(name).unwrap();
        let mut rx = Consumer::open(name).unwrap();
        tx.push(b"one", Wait::Never).unwrap();
        let mut claim = tx.claim(100, Wait::secs(1)).unwrap();
        claim[..3].copy_from_slice(b"two");
        claim.commit(3);
        drop(tx.claim(10, Wait::Never).unwrap());
        assert_eq!(tx.push_batch(&[b"three", b""], Wait::Never), (2, Ok(())));
        for expected in [&b"one"[..], b"two", b"three", b""] {
            assert_eq!(&*rx.read(Wait::secs(1)).unwrap(), expected);
        }
        assert_eq!(rx.read(Wait::Never).err(), Some(Refusal::Empty));
        assert_eq!(tx.peer(), Presence::Attached);
        drop(tx);
        assert_eq!(rx.read(Wait::Forever).err(), Some(Refusal::Closed));
    });
}

#[test]
fn refusals_say_what_is_wrong() {
    assert_eq!(Producer::open("nowhere:x").err().unwrap().fault, Fault::BadArgument);
    assert_eq!(Producer::open("shm:\0").err().unwrap().fault, Fault::BadArgument);
    Channel::each("refusals", |name| {
        let why = Consumer::open(&format!("{name}?create=no")).err().unwrap();
        assert_eq!(why.fault, Fault::NotFound, "{why}");
        let mut rx = Consumer::open(name).unwrap();
        assert_eq!(Consumer::open(name).err().unwrap().fault, Fault::InUse);
        let mut tx = Producer::open(name).unwrap();
        let too_much = tx.max_message() + 1;
        assert_eq!(tx.claim(too_much, Wait::Never).err(), Some(Refusal::NeverFits));
        let short = Wait::For(Duration::from_millis(1));
        assert_eq!(rx.read(short).err(), Some(Refusal::TimedOut));
    });
}

#[test]
fn another_thread_ends_a_wait() {
    Channel::each("interrupt", |name| {
        let mut rx = Consumer::open(name).unwrap();
        let stop = rx.interrupter();
        let other = std::thread::spawn(move || stop.interrupt());
        assert_eq!(rx.read(Wait::Forever).err(), Some(Refusal::Interrupted));
        other.join().unwrap();
        let stop = rx.interrupter();
        drop(rx);
        stop.interrupt();
    });
}

#[test]
fn what_cpp_sends_is_read() {
    Channel::each("from_cpp", |name| {
        let sent = some_messages();
        let mut child = Command::new(command())
            .args(["send", name, "--frames"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut input, bytes) = (child.stdin.take().unwrap(), frames(&sent));
        let writing = std::thread::spawn(move || input.write_all(&bytes).unwrap());
        let mut rx = Consumer::open(name).unwrap();
        for expected in &sent {
            assert_eq!(&*rx.read(Wait::secs(30)).unwrap(), &expected[..]);
        }
        assert_eq!(rx.read(Wait::secs(30)).err(), Some(Refusal::Closed));
        writing.join().unwrap();
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn what_is_sent_cpp_reads() {
    Channel::each("to_cpp", |name| {
        let sent = some_messages();
        let mut tx = Producer::open(name).unwrap();
        let mut child = Command::new(command())
            .args(["recv", name, "--frames"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            output.read_to_end(&mut all).unwrap();
            all
        });
        while tx.peer() != Presence::Attached {
            assert!(child.try_wait().unwrap().is_none());
        }
        for one in &sent {
            tx.push(one, Wait::secs(30)).unwrap();
        }
        drop(tx);
        assert_eq!(reading.join().unwrap(), frames(&sent));
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_killed_producer_loses_nothing_that_was_sent() {
    Channel::each("killed", |name| {
        let mut rx = Consumer::open(name).unwrap();
        let mut child = Command::new(command())
            .args(["send", name, "--frames"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let sent = some_messages();
        let mut input = child.stdin.take().unwrap();
        let bytes = frames(&sent);
        let writing = std::thread::spawn(move || {
            input.write_all(&bytes).unwrap();
            input // not closed: the sender waits for more
        });
        for expected in &sent {
            assert_eq!(&*rx.read(Wait::secs(30)).unwrap(), &expected[..]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(rx.read(Wait::secs(30)).err(), Some(Refusal::PeerGone));
        assert_eq!(rx.peer(), Presence::Died);
        drop(writing.join().unwrap());
        let mut successor = Producer::open(name).unwrap();
        successor.push(b"next", Wait::Never).unwrap();
        assert_eq!(&*rx.read(Wait::secs(1)).unwrap(), b"next");
    });
}
